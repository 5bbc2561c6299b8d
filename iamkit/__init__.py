"""iamkit: Jupyter notebooks that set up an AWS account for a team and keep it in order.

One way through the house: *read the account once → plan, a pure function → review → apply → read
again*. Each folder stands above those that it imports, from the ground up:

* ``errors``, ``text``, ``storage``: words for people, and private files
* ``account``: the account as it was read · ``policies``: what policies say · ``sandbox``: the
  embedded AWS, which another project can use alone
* ``parameters``: what a person says · ``plan``: what has to be done · ``audit``: what to mind
* ``credentials``: where a new credential goes · ``aws``: the only folder that calls AWS
* ``workspace``, ``doctor``, ``notebook``: forms, review, runs and pages · ``__main__``: the
  command line

``python tests/architecture.py`` draws it. The names below are those that a notebook needs; the
stub beside this file lists them, with the place that each comes from. They are imported when they
are first used, so that ``iamkit --help`` need not wait for boto3 and pandas.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
