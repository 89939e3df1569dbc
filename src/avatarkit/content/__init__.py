"""Work on the bytes of one file: decode, join, convert, label."""
