"""How long lists take over HTTP when 100,000 runs lie in the tables, with all that belongs to them."""
