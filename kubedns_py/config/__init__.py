"""Every option of the program: declared once, read from arguments and environment."""
