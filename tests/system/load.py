# SPDX-License-Identifier: GPL-2.0-or-later
"""What a server does meanwhile, and whether all of it is whole: a database, sessions, timers."""

import itertools
import re
import subprocess
import time

from machine import PATIENCE
from server import ADDRESS, HERE

CLIENTS = 4
SLOT = 20       # seconds of the calendar timer
INTERVAL = 15   # seconds of the monotonic timer
CLOCK_SLACK = 2

# One line for each that it reads: which one it is, and what the clocks say. CLOCK_MONOTONIC is told by
# the kernel's list of timers alone, /proc/uptime is CLOCK_BOOTTIME.
SESSION = r"""
n=0
while read -r word; do
    n=$((n + 1))
    now=$(sed -n '/^now at/{s/[^0-9]//g;p;q}' /proc/timer_list)
    read -r uptime rest < /proc/uptime
    echo "$word $n $now $uptime $(date +%s.%N)"
done
"""

TIMER = """cat > /etc/systemd/system/test-{name}.timer << 'END'
[Timer]
{when}
AccuracySec=100ms
END
cat > /etc/systemd/system/test-{name}.service << 'END'
[Service]
Type=oneshot
ExecStart=/bin/sh /usr/local/lib/test-triggered {name}
END
"""
# When the timer elapsed, in microseconds of both clocks. TRIGGER_TIMER_REALTIME_USEC is of the first time for
# as long as systemd keeps the unit in memory (unit_start(): "older details object wins").
TRIGGERED = r"""cat > /usr/local/lib/test-triggered << 'END'
for property in LastTriggerUSec LastTriggerUSecMonotonic; do
    busctl get-property org.freedesktop.systemd1 "/org/freedesktop/systemd1/unit/test_2d$1_2etimer" \
        org.freedesktop.systemd1.Timer $property
done | sed 's/^t //' | paste -s -d ' ' >> "/var/tmp/$1"
END
"""
TIMERS = {
    "calendar": f"OnCalendar=*:*:0/{SLOT}",
    "monotonic": f"OnActiveSec=1\nOnUnitActiveSec={INTERVAL}",
}
CRON = r"* * * * * root date +\%s >> /var/tmp/cron"
COUNTER = "n=0; while sleep 1; do n=$((n + 1)); echo $n; done"


class Session:
    """One SSH connection, from before the first hibernation to after the last one."""

    def __init__(self, server):
        self.count = 0
        self.ssh = subprocess.Popen([*server.ssh, SESSION], text=True, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)

    def ask(self):
        """When it was asked, how long that took, and the three clocks, all in seconds."""
        self.count += 1
        word = f"ask-{self.count}"
        begun, sent = time.monotonic(), time.time()
        print(word, file=self.ssh.stdin, flush=True)
        answer = self.ssh.stdout.readline().split()
        took = time.monotonic() - begun
        assert answer[:2] == [word, str(self.count)], f"the SSH session: {answer}"
        return sent + took / 2, took, int(answer[2]) / 1e9, float(answer[3]), float(answer[4])

    def clocks(self):
        """The same from an answer that came quickly: this machine's clock, and the server's three."""
        answers = [self.ask() for _ in range(5)]
        here, took, monotonic, boottime, wall = min(answers, key=lambda answer: answer[1])
        assert took < CLOCK_SLACK, f"the SSH session: {took:.1f} s for an answer"
        return here, monotonic, boottime, wall


class Database:
    """PostgreSQL's own benchmark, as clients outside of the machine that commit all the time."""

    def __init__(self, server):
        self.server = server
        self.work = server.folder / "clients"
        self.work.mkdir()
        root = subprocess.run([HERE / "root", server.suite], check=True, text=True,
                              stdout=subprocess.PIPE)
        self.in_root = [HERE / "../package/in-root", root.stdout.strip(), self.work]
        self.where = ["-h", ADDRESS, "-U", "postgres"]
        self.sql("CREATE DATABASE bench", "postgres")
        self.errors = open(self.work / "errors", "w+")
        made = self.bench("-i", "-q", "-s", "2", "bench", stderr=self.errors)
        assert made.wait(300 * PATIENCE) == 0, self.said()
        self.errors.truncate(0)
        self.clients = self.bench("-n", "-c", str(CLIENTS), "-R", "8", "-T", "1000000", "-l",
                                  "--log-prefix=/mnt/log", "bench", stderr=self.errors)
        self.counted = 0

    def bench(self, *words, **streams):
        return subprocess.Popen([*self.in_root, "pgbench", *self.where, *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **streams)

    def sql(self, command, database="bench"):
        return self.server.run(f'cd /; setpriv --reuid=postgres --regid=postgres --clear-groups '
                               f'psql -X -A -t -q -c "{command}" {database}')

    def check(self):
        """All clients are there, and transactions are committed."""
        # One that had sent something just then sends it again after as long as it waited already.
        deadline = time.monotonic() + 240 * PATIENCE
        assert self.clients.poll() is None, self.said()
        before = self.counted or int(self.sql("SELECT count(*) FROM pgbench_history"))
        while (count := int(self.sql("SELECT count(*) FROM pgbench_history"))) <= before:
            assert time.monotonic() < deadline, "the database: no transaction since"
            time.sleep(1)
        self.counted = count

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def finish(self):
        """Nothing that was committed is missing, and everything is whole. Returns the longest pause."""
        # Each client ends at an error in a transaction, which is not committed.
        self.sql("ALTER TABLE pgbench_history RENAME TO history")
        self.clients.wait(300 * PATIENCE)
        said = self.said()
        ended = re.findall(r"client \d+ .*aborted.*\"pgbench_history\" does not exist", said)
        assert len(ended) == CLIENTS and said.count("aborted in") == CLIENTS, said
        done = [line.split() for log in self.work.glob("log.*") for line in log.open()]
        assert len(done) == int(self.sql("SELECT count(*) FROM history"))
        sums = self.sql("SELECT (SELECT sum(delta) FROM history), (SELECT sum(abalance) FROM "
                        "pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches), "
                        "(SELECT sum(tbalance) FROM pgbench_tellers)").split("|")
        assert len(set(sums)) == 1, f"balances differ: {sums}"
        tools = "/usr/lib/postgresql/*/bin"
        as_postgres = "cd /; setpriv --reuid=postgres --regid=postgres --clear-groups"
        self.server.run(f"{as_postgres} {tools}/pg_amcheck --all --install-missing "
                        "--heapallindexed --parent-check", 600)
        assert self.sql("SELECT sum(checksum_failures) FROM pg_stat_database") == "0"
        # The clusters by name: whoever stops the one service does not wait for them.
        self.server.run("systemctl stop 'postgresql@*' && systemctl stop postgresql", 300)
        summary = self.server.run(f"{as_postgres} {tools}/pg_checksums --check "
                                  "-D /var/lib/postgresql/*/main", 600)
        assert re.search(r"Bad checksums: +0$", summary, re.MULTILINE), summary
        assert re.search(r"Data checksum version: +1", summary), summary
        return len(done), self.pause(done)

    @staticmethod
    def pause(done):
        """The longest time between two transactions of one client, in seconds."""
        ends = sorted((line[0], int(line[4]) + int(line[5]) / 1e6) for line in done)
        return max(b[1] - a[1] for a, b in itertools.pairwise(ends) if a[0] == b[0])


class Load:
    def __init__(self, server):
        self.server = server
        self.session = Session(server)
        self.database = Database(server)
        server.run(TRIGGERED)
        for name, when in TIMERS.items():
            server.run(TIMER.format(name=name, when=when))
        server.run(f"""
            systemctl daemon-reload
            systemctl start test-calendar.timer test-monotonic.timer
            printf '%s\\n' '{CRON}' > /etc/cron.d/test
            tmux new-session -d -s work '{COUNTER}'""")
        self.tmux = server.run("tmux list-panes -t work -F '#{pane_pid}'")
        self.shown = 0
        self.clocks = self.session.clocks()
        self.worst = 0

    def check(self, off=0):
        """After a cycle in which the machine was off for OFF seconds: everything goes on."""
        here, monotonic, boottime, wall = self.session.clocks()
        was_here, was_monotonic, was_boottime, _ = self.clocks
        self.clocks = here, monotonic, boottime, wall
        passed = here - was_here
        self.worst = max(self.worst, abs(wall - here))
        self.server.say(f"wall clock {wall - here:+.2f} s; of {passed:.1f} s, {off:.1f} s of them off, "
                        f"monotonic {monotonic - was_monotonic:.1f} s, "
                        f"boot time {boottime - was_boottime:.1f} s")
        assert abs(wall - here) <= CLOCK_SLACK
        assert 0 < monotonic - was_monotonic <= passed - off + CLOCK_SLACK
        assert abs(boottime - was_boottime - passed) <= CLOCK_SLACK
        assert self.server.run("tmux list-panes -t work -F '#{pane_pid}'") == self.tmux
        shown = int(self.server.run("tmux capture-pane -p -t work | grep . | tail -n 1"))
        assert shown > self.shown
        self.shown = shown
        self.database.check()

    def lines(self, name):
        return [[int(word) for word in line.split()]
                for line in self.server.run(f"cat /var/tmp/{name}").splitlines()]

    def finish(self):
        transactions, pause = self.database.finish()
        self.server.say(f"{transactions} transactions, the longest pause of a client {pause:.1f} s, "
                        f"the wall clock off by {self.worst:.2f} s at most")
        here, monotonic, _, _ = self.session.clocks()
        slots = [realtime // (SLOT * 1000000) for realtime, _ in self.lines("calendar")]
        twice = [slot for slot, following in itertools.pairwise(slots) if following <= slot]
        assert not twice, f"the calendar timer, twice in a slot: {twice} of {slots}"
        assert here - slots[-1] * SLOT <= 3 * SLOT, "the calendar timer has stopped"
        runs = [monotonic_us / 1e6 for _, monotonic_us in self.lines("monotonic")]
        early = [(a, b) for a, b in itertools.pairwise(runs) if b - a < INTERVAL - 0.1]
        assert not early, f"the monotonic timer came early: {early}"
        assert monotonic - runs[-1] <= 3 * INTERVAL, "the monotonic timer has stopped"
        # cron makes up for the minutes that it missed, and runs nothing more.
        minutes = [line[0] // 60 for line in self.lines("cron")]
        assert minutes == sorted(minutes) and len(minutes) <= here // 60 - minutes[0] + 1, minutes
        assert here // 60 - minutes[-1] <= 2, "cron has stopped"
        # Of files that nobody writes to: what is appended meanwhile looks like damage.
        self.server.run("journalctl --rotate && journalctl --verify --file '/var/log/journal/*/*@*.journal'", 600)
        assert self.server.run("systemctl is-system-running") == "running", \
            self.server.run("systemctl --failed")
        wrong = self.server.call("journalctl -k -b -o cat | grep -E 'BUG:|WARNING:|Oops|EXT4-fs error'")
        assert wrong[0] == 1, wrong[1]
        self.session.ssh.stdin.close()
        assert self.session.ssh.wait(60) == 0

    def stop(self):
        """End what runs on this machine, whatever happened."""
        for process in (self.session.ssh, self.database.clients):
            process.kill()
            process.wait()
