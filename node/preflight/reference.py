"""docs/checking.md, its table written from the catalogue of codes."""

from __future__ import annotations

from typing import Final

from node.preflight.catalogue import CATALOGUE

_HEAD: Final = """\
# Checking a node

`patina check` tests everything that a node needs before it matters, and tells all of it at once. Run it after
`patina init`, after each change of the configuration, before an upgrade, and whenever something looks wrong: before the
first start, or beside a node that runs.

    patina check                         # this folder's node, everything
    patina check --only endpoints        # one subject; --skip leaves one out; both may be repeated
    patina check --json                  # for programs

- **It changes nothing.** It signs nothing, sends no transaction, and takes no lock from anybody. The journal is read
  beside a running node; where none runs, a copy of it is opened, brought up to this software's version and thrown
  away. What is written to measure the disk has no name and is gone when it is closed. At brokers one message goes out
  under this node's name, of the kind with which a node probes its connections; other nodes pass it over.
- **It asks nobody else.** Only the configured endpoints, brokers, peers and publishing targets are asked. The time is
  that of the endpoints' own servers. Nothing is sent to notice targets: `patina notices test` does that.
- **It hides nothing.** Subjects are looked at side by side. One faulty key of the configuration is named, and all
  that the other keys say is checked; one that hangs or fails is told as `check.hung` or `check.crashed`.
- **It shows no secret.** Keys in URLs and passwords are masked, as in the node's log.

`patina run` does not begin with it: a node that starts again after a power cut must not wait for a picture or a
broker. It refuses by itself what it cannot start with, tells the rest in `/readyz` and `patina status`, and points here
when its start fails.

Passwords are taken from where the node takes them (environment, then files). At a terminal the missing ones are asked
for; otherwise a key without one is not checked.

## Verdicts and score

| verdict | meaning |
| --- | --- |
| `ok` | as it has to be |
| `warning` | the node works with it; somebody should look |
| `fault` | keeps the node from its work, or makes it dangerous |
| `not checked` | could not be looked at, or does not apply; the line says why |

The line below all subjects counts: *ok* out of everything that was looked at (ok, warnings and faults; what was not
checked is counted apart). After it stands each fault once more with its remedy, and the command that looks at those
subjects again; where there is none, the command that comes next. The node is *ready to run* when nothing is at fault
in a check of everything. The exit status is 0 where nothing is at fault, and 1 otherwise; warnings do not change it.
With one endpoint of several gone or behind, there is a warning as long as `chain.witnesses` sound ones are left, and
a fault when not.

`--json` prints `ready`, `score` (`ok`, `checked`, `warnings`, `faults`, `not_checked`) and `findings`: for each its
`subject`, `code`, `about` (which endpoint, broker, feed or file), `verdict`, `detail` and `remedy`. Subjects, codes and
verdicts are stable; details and remedies are for people.

## Limits that are judged

A newest block is late after 5 minutes, a final one 30 minutes behind the newest. The clock is warned of from 5 s on and
at fault from 60 s. Certificates are warned of 30 days before their end. A disk with less than 2 GiB is warned of,
below 256 MiB it is a fault; a median fsync above 100 ms is a warning. A balance should reach
`transmit.low_balance_ether` and 20 reports; one that does not pay for a single report is a fault. The pictures of an
edition should take less than `agreement.render_ms`, reckoned from the second picture that one worker draws here; of a
foreign pipeline that is served two pictures are drawn too.
"""


def checking_markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    subjects = dict.fromkeys(code.partition(".")[0] for code in CATALOGUE)
    parts.append("\n## Codes\n\nA finding may have a remedy of its own that says more than the one here.\n")
    for subject in subjects:
        title = "the check itself" if subject == "check" else f"`{subject}`"
        parts.append(f"\n### {title}\n\n| code | what is looked at | what to do |\n| --- | --- | --- |\n")
        parts += [
            f"| `{code}` | {_cell(entry.looks)} | {_cell(entry.remedy)} |\n"
            for code, entry in CATALOGUE.items()
            if code.partition(".")[0] == subject
        ]
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
