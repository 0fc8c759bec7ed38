"""What is mailed to people who want to come in: plain text, with links to the configured address of the service.

Called by signing in and by invitations. Invariant: a link's host is that of the settings, never of a request.
"""

from tegu.domain.plain_text import one_line
from tegu.egress.mail import Mail


def link_mail(base_url: str, email: str, token: str, code: str, good_for_s: float) -> Mail:
    """A link that signs in, and the code for another device."""
    return Mail(
        email,
        "Sign in to Tegu",
        f"""To sign in, open this link and press the button there:

{base_url}/auth/link?token={token}

Or type this code into the page where you asked for it:

    {code[:3]} {code[3:]}

Both are good for {round(good_for_s / 60)} minutes, and once. Give them to nobody. If you did not ask for them, do nothing: nobody
comes in without them.
""",
    )


def invitation_mail(
    base_url: str, email: str, token: str, organization: str, by: str, good_for_s: float
) -> Mail:
    """A link that makes whoever opens it a member."""
    organization, by = one_line(organization), one_line(by)
    return Mail(
        email,
        f"Invitation to {organization} on Tegu",
        f"""{by} invites you to work with {organization} on Tegu. To accept, open this link and press the button there:

{base_url}/auth/invitation?token={token}

It is good for {round(good_for_s / 86_400)} days, and once. If you do not know what this is about, do nothing.
""",
    )
