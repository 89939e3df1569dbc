"""What calls ``advance``, and when."""
