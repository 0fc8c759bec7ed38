"""Egress: what goes out to addresses that users give: requests (webhooks) and mail.

Invariant: what is asked over HTTP is public, or the operator allowed it (TEGU_EGRESS_ALLOW), and is the very address that was
checked; nothing is followed, and every answer is bounded in time and size. Mail goes to the operator's own relay alone.
"""
