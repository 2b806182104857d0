"""Handwritten digits: fully connected and convolutional classifiers, trained, judged and explained."""
