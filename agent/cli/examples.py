"""What `--help` ends with: real lines to type, for all of `gitops-vm` and for each verb."""

from __future__ import annotations

OVERVIEW = """\
examples:
  gitops-vm status                         what runs here, and whether it is well
  gitops-vm status --remote git@github.com:me/mood.git
                                           the same from anywhere, read from the status branch
  gitops-vm plan                           what would be done now, and why
  gitops-vm logs -f                        follow the app's log
  gitops-vm suspend --until 48h "exams"    stop applying and healing; `resume` ends it sooner
  gitops-vm --on me@vm.example.edu status  run the verb on a VM over ssh
  gitops-vm --on vm-1 logs                 the same, on a VM that vms.ini names
  gitops-vm smoke https://vm.example.edu/  does the app answer, seen from here
  gitops-vm watch --help                   the same from cron, with alerts

exit codes: 0 done or well, 1 failed, 2 (plan) there is something to do, (status, wait) in progress, 3 (the same) unknown, 64 usage
with --json a failure is {"error": {"reason", "message", "hint"}}
"""

_OF = {
    "run": """\
  gitops-vm run                            without systemd, which starts it by itself; Ctrl-C ends it
""",
    "reconcile": """\
  gitops-vm reconcile                      now, instead of at the next poll
  gitops-vm reconcile --now                also where a back-off would still be waited for
  gitops-vm --on vm-1 reconcile --retry    a rejected revision once more: its cause was on the VM and is gone
""",
    "plan": """\
  gitops-vm plan                           what a pass would do, and why
  gitops-vm plan --json                    the same for programs

exit codes: 0 nothing to do, 2 something, 1 nothing, but the newest revision is unknown or invalid
""",
    "status": """\
  gitops-vm status                         on the VM, from its disk: also without any network
  gitops-vm status --remote git@github.com:me/mood.git
                                           anywhere else, of every VM that reports to this repository
  gitops-vm status --remote git@github.com:me/mood.git --host vm-1 --json

exit codes: 0 current, 1 failed, 2 in progress, 3 unknown
""",
    "wait": """\
  gitops-vm wait 4f2c9d1a                  on the VM, until this commit is live or has failed
  gitops-vm wait --remote git@github.com:me/mood.git --timeout 5m "$(git rev-parse HEAD)"
                                           anywhere else, of every VM that reports to this repository

exit codes: 0 current, 1 failed, 2 still in progress at the timeout, 3 unknown
""",
    "logs": """\
  gitops-vm logs -n 200                    the last 200 lines
  gitops-vm --on vm-1 logs -f -n 20        the last 20, then what comes
""",
    "events": """\
  gitops-vm events -n 50                   the last 50
  gitops-vm events --json                  for programs
""",
    "history": """\
  gitops-vm history                        what became of each revision, and how long it took
  gitops-vm --on vm-1 history -n 5
""",
    "restart": """\
  gitops-vm restart
  gitops-vm --on vm-1 restart              from a laptop
""",
    "stop": """\
  gitops-vm stop                           until `gitops-vm start`; no alert is sent for it
""",
    "start": """\
  gitops-vm start
  gitops-vm --on vm-1 start                from a laptop
""",
    "rollback": """\
  gitops-vm rollback                       in a clone: a commit that brings the last good revision back, and its push
  gitops-vm rollback 4f2c9d1a --dry-run    the same for this revision; only say what it would do
  gitops-vm --on vm-1 rollback             on that VM alone, until the next push; `gitops-vm resume` ends it sooner
""",
    "suspend": """\
  gitops-vm suspend exam week              everybody who reads the status sees why
  gitops-vm suspend --until 48h "exams"    ends by itself
  gitops-vm suspend --until 2099-12-01T08:00:00Z
""",
    "resume": """\
  gitops-vm resume
  gitops-vm --on vm-1 resume               from a laptop
""",
    "gc": """\
  gitops-vm gc --dry-run                   what would go, and how much that would free
  gitops-vm gc --cache                     all downloads as well
""",
    "validate": """\
  gitops-vm validate                       ./desired-state.yaml
  gitops-vm validate deploy/desired-state.yaml --host vm-1
  git show HEAD:desired-state.yaml | gitops-vm validate -
""",
    "smoke": """\
  gitops-vm smoke https://vm.example.edu/
  gitops-vm smoke https://vm.example.edu/ --expect Mood --within 2s --attempts 5
  gitops-vm smoke vm-1                     by its url in vms.ini
""",
    "watch": """\
  gitops-vm watch https://vm.example.edu/ --remote git@github.com:me/mood.git --host vm-1
  gitops-vm watch                          every VM of vms.ini that has a url or a repo
  */5 * * * * gitops-vm watch --quiet      in a crontab: an alert when it goes bad, one an hour while it is, one at the end

secrets: SLACK_WEBHOOK_URL, or TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, in the environment or as KEY=value lines in
~/.config/gitops-vm/watch.env (mode 0600); never on the command line
exit codes: 0 well, 1 bad or an alert did not arrive, 3 unknown: no news for two heartbeats, or could not look, 64 usage
""",
    "version": """\
  gitops-vm version
  gitops-vm --on vm-1 version              of the agent there
""",
}


def of(verb: str) -> str:
    return f"examples:\n{_OF[verb]}"
