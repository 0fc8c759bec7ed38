"""How much may be asked of a provider, shared by all processes that use one key.

    limiter   asked by the loop before each attempt: a queue, fair by organization, and one share of each limit
    share     what this process may do until its next visit to the database; pure
    shared    what all processes together may do, and how a visit divides it; pure
    budget    how many of the calls may be repetitions; pure
    rules     what operators configure (TEGU_LIMITS)
    headers   what providers say of their limits
    place     what a limit belongs to: provider, hash of the credential, model

A limit is never divided by counting workers: each process holds what it was granted, for seconds, and what a process that
died held comes back when its lease ends. `storage.limits` keeps the shared part.
"""
