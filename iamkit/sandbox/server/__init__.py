"""The sandbox's process, in which alone moto lives.

A call goes through ``gateway`` (host, origin, signature), ``fault_effects``, ``authorization`` if it
is on, ``iam/rules`` (what AWS refuses), moto, ``paging``, and ``journal``, which is synced before
the reply.
"""
