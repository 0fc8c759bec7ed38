"""What `tegu serve` holds: submissions at a rate, many at once, and thousands of clients of the live feed."""
