"""Regression of diabetes."""
