"""The measurements' own arithmetic: reports read right, and figures that mean what they say."""
