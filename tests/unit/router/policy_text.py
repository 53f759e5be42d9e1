"""A small policy to break and to try conditions with."""

from pathlib import Path

POLICY = """\
version: "7"
languages: [es, pt]
tiers: [vip]
conditions:
  loud:
    followers_at_least: 1000
priorities:
  P1: 80
  P2: 50
  P3: 20
scoring:
  - name: complaint
    when:
      inquiry_type: complaint
    points: 25
  - name: loud
    when: {is: loud}
    points: 30
first_response:
  - name: everything
    minutes: 15
resolution:
  - name: complaint
    when: {inquiry_type: complaint}
    minutes: 1440
  - name: everything
    minutes: 60
queues:
  - name: requests
    when: {inquiry_type: technical}
    queue: "{platform}-{inquiry_type}-{tier}"
  - name: rest
    queue: all-{language}
platforms:
  default: {tone: plain, length_limit: 1000}
  x: {tone: short, length_limit: 280, direct_message_length_limit: 10000}
"""


def write_policy(folder: Path, old: str = "", new: str = "") -> Path:
    """The policy in a file, with `old` replaced by `new` once."""
    assert old in POLICY
    path = folder / "policy.yaml"
    path.write_text(POLICY.replace(old, new, 1))
    return path
