"""A trained model as a file for other programs: ONNX and safetensors, each read back and run before it gets its name.

Import from the modules of this package: nothing is loaded here. ONNX needs the extra `export` of mlcore.
"""
