#!/usr/bin/env python3
"""kill -9 during load: the ledger equals what the clients were told.

  kill_test.py SCRIPTED_SERVER FATHOM [KILLS, 20 when not given]

Clients ask without a pause, half of them by streams, and add up the usage of every answer that they have whole. At a random
moment, now and then after a command has looked into the ledger, the server is killed; a new one takes the ledger over. In the end every whole answer is in the ledger once with the
figures that its client was told, every other row is of a request that its client saw cut off, the kept sums are the rows'
sums, and the balance is what was paid in less the rows' costs, to the last part."""
import collections
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

CLIENTS = 8
PARTS = 10**12
PAID_IN = 1000
SCRIPT = 'cached 4\nsay "</think>One two three four five six seven eight."\n'


class Tally:
    """What all clients were told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.whole = {}  # id: (hit, miss, output)
        self.begun = set()  # ids whose answer began and was cut off
        self.unknown = 0  # cut off before the client knew its id
        self.unexpected = []


def ask(port, key, stream, tally):
    body = {"model": "deepseek-v4-flash", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    trace = None
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer " + key})
        answer = connection.getresponse()
        trace = answer.getheader("x-ds-trace-id")
        text = answer.read().decode()
        if answer.status != 200:
            with tally.lock:
                tally.unexpected.append((answer.status, text))
            return
        if stream:
            if "data: [DONE]" not in text:
                raise http.client.IncompleteRead(b"")
            lines = [line for line in text.split("\n") if line.startswith("data: {")]
            usage = json.loads(lines[-1][len("data: "):])["usage"]
        else:
            usage = json.loads(text)["usage"]
        told = (usage["prompt_cache_hit_tokens"], usage["prompt_cache_miss_tokens"], usage["completion_tokens"])
        with tally.lock:
            tally.whole[trace] = told
    except (OSError, http.client.HTTPException, ValueError):
        with tally.lock:
            if trace is None:
                tally.unknown += 1
            else:
                tally.begun.add(trace)


def client(number, state, tally):
    generator = random.Random(number)
    while not state["over"]:
        port = state["port"]
        if port is None:
            time.sleep(0.002)
            continue
        ask(port, state["keys"][number % len(state["keys"])], generator.random() < 0.5, tally)


def start(server, script, ledger):
    process = subprocess.Popen([server, script, "ledger=" + ledger, "price_cards=hosted-usd@2026-05-01", "log=off"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if "listening at" not in line:
        raise SystemExit("the server did not start: " + line)
    return process, int(line.rsplit(":", 1)[1])


def check(condition, what):
    if not condition:
        raise SystemExit("FAILED: " + what)


def compare(ledger, tally):
    database = sqlite3.connect(ledger)
    check(database.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the file is whole")
    rows = database.execute("SELECT id, hit, miss, output, cost, account, finish FROM request").fetchall()
    found = {row[0]: row for row in rows}
    for trace, told in tally.whole.items():
        check(trace in found, f"answer {trace} was delivered whole and is not in the ledger")
        check(found[trace][1:4] == told, f"answer {trace}: {found[trace][1:4]} in the ledger, {told} told")
    others = [row for row in rows if row[0] not in tally.whole]
    strangers = [row[0] for row in others if row[0] not in tally.begun]
    check(len(strangers) <= tally.unknown, f"{len(strangers)} rows of nobody, {tally.unknown} requests ended without a head")
    for row in rows:
        check(row[4] == row[1] * 2800 + row[2] * 140000 + row[3] * 280000, f"cost of {row[0]}")
    sums = collections.Counter()
    for _, hit, miss, output, cost, account, _ in rows:
        for name, value in zip(("requests", "hit", "miss", "output", "cost"), (1, hit, miss, output, cost)):
            sums[account, name] += value
    accounts = {row[5] for row in rows}
    for table in ("key_day_sum", "account_day_sum", "key_month_sum"):
        for name in ("requests", "hit", "miss", "output", "cost"):
            kept = f"SUM(units) * {PARTS} + SUM(parts)" if name == "cost" and table != "key_day_sum" else f"SUM({name})"
            found_sums = dict(database.execute(f"SELECT account, {kept} FROM {table} GROUP BY account"))
            expected = {account: sums[account, name] for account in accounts}
            check(found_sums == expected, f"{table} has {name} {found_sums}, the rows {expected}")
    for account, granted, topped_up in database.execute("SELECT name, granted, topped_up FROM account"):
        left = PAID_IN * PARTS - sums[account, "cost"]
        check(granted + topped_up == left, f"{account} has {granted + topped_up}, expected {left}")
    told = sum(2800 * hit + 140000 * miss + 280000 * output for hit, miss, output in tally.whole.values())
    return len(rows), len(others), told, sum(row[4] for row in rows), sum(row[4] for row in others)


def main():
    server, fathom = sys.argv[1:3]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    with tempfile.TemporaryDirectory() as folder:
        ledger = os.path.join(folder, "ledger.sqlite")
        script = os.path.join(folder, "script")
        with open(script, "w") as file:
            file.write(SCRIPT)
        environment = {**os.environ, "FATHOM_LEDGER": ledger}

        def run(*words):
            return subprocess.run([fathom, *words], env=environment, check=True, capture_output=True, text=True).stdout.strip()

        keys = []
        for account in ("red", "blue"):
            keys.append(run("keys", "create", account))
            run("accounts", "credit", account, "--granted", "0.001", "--topped-up", str(PAID_IN - 1) + ".999")
        tally = Tally()
        state = {"port": None, "over": False, "keys": keys}
        threads = [threading.Thread(target=client, args=(number, state, tally)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        generator = random.Random(7)
        try:
            for kill in range(kills):
                process, state["port"] = start(server, script, ledger)
                before = len(tally.whole)
                while len(tally.whole) < before + CLIENTS:  # it is loaded
                    time.sleep(0.002)
                    check(process.poll() is None, "the server ended by itself")
                if kill % 4 == 0:  # another process comes and goes: what is written after that must not be lost
                    run("usage")
                time.sleep(generator.random() * 0.1)
                state["port"] = None
                process.send_signal(signal.SIGKILL)
                process.wait()
                process.stdin.close()
                process.stdout.close()
        finally:
            state["over"] = True
            for thread in threads:
                thread.join()
        check(not tally.unexpected, f"answers {tally.unexpected[:3]}")
        rows, others, told, cost, cut = compare(ledger, tally)
        check(told + cut == cost, f"clients were told {told}, cut off {cut}, the ledger has {cost}")
        print(f"{kills} kills, {len(tally.whole)} whole answers, {rows} rows, {others} of requests that were cut off: "
              f"nothing lost, nothing twice; {cost} parts spent, {told} of them told to clients")


if __name__ == "__main__":
    main()
