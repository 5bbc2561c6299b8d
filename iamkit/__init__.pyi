# The names of the front door, with the place that each comes from: the only list of them.

from .account.gaps import failed_sources as failed_sources
from .account.state import AccountState as AccountState
from .account.state_file import (
    load_state as load_state,
    save_state as save_state,
)
from .audit import (
    Audit as Audit,
    audit_access_keys as audit_access_keys,
    audit_findings as audit_findings,
    audit_groups as audit_groups,
    audit_memberships as audit_memberships,
    audit_permissions as audit_permissions,
    audit_policies as audit_policies,
    audit_roles as audit_roles,
    audit_users as audit_users,
    check as check,
)
from .audit.comparison import compare as compare
from .audit.escalation_picture import draw_paths as draw_paths
from .aws.credential_lookup import (
    credential_sources as credential_sources,
    read_old_credential_file as read_old_credential_file,
)
from .aws.key_trial import try_users as try_users
from .aws.read import (
    read_account as read_account,
    read_permissions as read_permissions,
    survey_account as survey_account,
)
from .aws.session import open_session as open_session
from .notebook.display import show as show
from .notebook.forms.form import make_form as make_form
from .notebook.links import show_next as show_next
from .notebook.pages.audit import (
    open_audit as open_audit,
    require_complete as require_complete,
    save_audit as save_audit,
    show_audit as show_audit,
    show_charts as show_charts,
)
from .notebook.pages.audit_user import show_user as show_user
from .notebook.pages.enrolment import show_enrolment as show_enrolment
from .notebook.pages.key_rotation import make_rotation as make_rotation
from .notebook.pages.leavers import make_leaving as make_leaving
from .notebook.pages.lost import make_lost_form as make_lost_form
from .notebook.pages.mending import make_mending as make_mending
from .notebook.pages.paths import show_paths as show_paths
from .notebook.pages.policy import (
    save_policy as save_policy,
    show_impact as show_impact,
    show_policy as show_policy,
    show_source as show_source,
)
from .notebook.pages.profile import (
    sign_in_address as sign_in_address,
    write_profile as write_profile,
)
from .notebook.pages.start import (
    read_start as read_start,
    show_steps as show_steps,
    show_urgent as show_urgent,
)
from .notebook.pages.studio import (
    make_studio as make_studio,
    studio_policy as studio_policy,
)
from .notebook.pages.welcome import write_welcome_pages as write_welcome_pages
from .notebook.review.cells import review_plan as review_plan
from .parameters.leavers import LeaversParameters as LeaversParameters
from .parameters.lost import LostParameters as LostParameters
from .parameters.models import (
    AccountAliasParameters as AccountAliasParameters,
    AdminGroupParameters as AdminGroupParameters,
    AuditUsersParameters as AuditUsersParameters,
    CredentialsParameters as CredentialsParameters,
    DevGroupParameters as DevGroupParameters,
    MendParameters as MendParameters,
    PolicyStudioParameters as PolicyStudioParameters,
    StartParameters as StartParameters,
    UsersParameters as UsersParameters,
)
from .parameters.rotate_keys import RotateKeysParameters as RotateKeysParameters
from .parameters.sign_in_rules import SignInRulesParameters as SignInRulesParameters
from .parameters.users_csv import with_users_file as with_users_file
from .plan.changes import make_plan as make_plan
from .plan.wanted import (
    account_alias as account_alias,
    admin_group as admin_group,
    dev_group as dev_group,
    held_policy as held_policy,
    sign_in_rules as sign_in_rules,
    team_users as team_users,
)
from .policies.actions.expansion import (
    expand as expand,
    shrink as shrink,
)
from .policies.comparison.questions import (
    grants_access as grants_access,
    grants_new_access as grants_new_access,
)
from .policies.comparison.table import compare_policies as compare_policies
from .policies.escalation.answers import (
    opened_by as opened_by,
    paths_to_admin as paths_to_admin,
)
from .policies.escalation.search import Escalation as Escalation
from .policies.evaluation.access import (
    for_reading as for_reading,
    permission_matrix as permission_matrix,
    what_can as what_can,
    who_can as who_can,
)
from .policies.evaluation.engine import evaluate as evaluate
from .policies.lint.linting import lint_policy as lint_policy
from .policies.lookup import find_policy as find_policy
from .policies.wording.explanation import explain as explain
