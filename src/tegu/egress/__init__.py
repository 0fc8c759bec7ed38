"""Egress: requests to addresses that users give, as those of webhooks. Nothing else of Tegu asks such an address.

Invariant: what is connected to is public, or the operator allowed it (TEGU_EGRESS_ALLOW), and is the very address that was
checked; nothing is followed, and every answer is bounded in time and size.
"""
