"""Measurements. They print figures and gate nothing."""
