"""`tegu sign-in`: whoever runs the machine lets somebody in."""

from collections.abc import Mapping

from command_line import tegu


async def test_the_first_link_is_for_the_owner_and_the_next_for_whoever_is_named(
    process_environment: Mapping[str, str],
) -> None:
    environment = {
        **process_environment,
        "TEGU_BASE_URL": "https://tegu.example",
        "TEGU_OWNER": "Anna@example.com",
    }
    first = await tegu(environment, "sign-in")
    assert first.code == 0, first.err
    assert first.out.startswith("https://tegu.example/auth/link?token=")
    again = await tegu(environment, "sign-in", "anna@example.com")
    assert again.out.startswith("https://tegu.example/auth/link?token=")
    assert again.out != first.out
    stranger = await tegu(environment, "sign-in", "ben@example.com")
    assert (stranger.code, stranger.error) == (2, "nobody has the address 'ben@example.com'")
