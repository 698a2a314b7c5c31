"""What the business is: pure Python and pydantic, no input or output."""
