"""A small local page on which one draws a digit and sees what the network makes of it."""

from mnist_classifier.demo.server import DemoError, DemoServer, serve

__all__ = ["DemoError", "DemoServer", "serve"]
