"""The sandbox's process, in which alone moto lives.

A call goes through ``gateway`` (host, origin, signature), ``fault_effects``, ``authorization`` if
that is on, ``iam/rules`` (what AWS refuses), moto, and ``paging``. The journal is synced before the
reply goes out.
"""
