// A TypeScript client on @modelcontextprotocol/sdk (the v1 line, protocol 2025-11-25):
// remember two lessons, follow the one that fails, watch the order change.
//
//     npm ci && npm start
//
// Starts its own server (`lessonbank serve` from the PATH) on a store that is thrown
// away at the end. Exits non-zero when the memory does not do what the text below says.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  StdioClientTransport,
  getDefaultEnvironment,
} from "@modelcontextprotocol/sdk/client/stdio.js";

const TASK = "Sort the version numbers 1.9 and 1.10 given as text, oldest first";

// Two ways to do it. The first is worded like the task and wrong; only running it tells.
const LESSONS: Record<string, { content: string; code: string }> = {
  "Sort version numbers given as text, oldest first, with sort()": {
    content: "Call sort() on the list of version numbers: text sorts oldest first.",
    code: "const sorted = ['1.10', '1.9'].sort(); if (sorted[0] !== '1.9') throw Error(String(sorted));",
  },
  "Compare dotted releases numerically, part by part": {
    content: "Use localeCompare with {numeric: true}, so that 10 stands after 9.",
    code:
      "const sorted = ['1.10', '1.9'].sort((a, b) => a.localeCompare(b, 'en', {numeric: true})); " +
      "if (sorted[0] !== '1.9') throw Error(String(sorted));",
  },
};

type Recall = { recall_id: string; mode: string; items: { id: string; title: string }[] };
type Report = { judged: { outcome: string } };

/** Calls a tool and gives its structured answer; a tool error ends the program. */
async function call<T>(client: Client, name: string, args: Record<string, unknown>): Promise<T> {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError && result.structuredContent, `${name}: ${JSON.stringify(result.content)}`);
  return result.structuredContent as T;
}

/** Recall, follow the first lesson, report what really happened. */
async function oneRound(client: Client): Promise<{ title: string; worked: boolean }> {
  const recall = await call<Recall>(client, "recall", { task: TASK, session: "ts" });
  const first = recall.items[0];
  assert.ok(first, "something is recalled");
  const run = spawnSync(process.execPath, ["-e", LESSONS[first.title]!.code], { encoding: "utf8" });
  const report = await call<Report>(client, "report_outcome", {
    recall_id: recall.recall_id,
    outcome: run.status === 0 ? "success" : "failure",
    used_ids: [first.id],
    error: run.stderr,
    evidence: { exit_code: run.status },
    session: "ts",
  });
  console.log(`  ${recall.mode}: ${first.title} -> ${report.judged.outcome}`);
  return { title: first.title, worked: run.status === 0 };
}

const store = await mkdtemp(join(tmpdir(), "lessonbank-"));
const client = new Client({ name: "typescript-example", version: "1.0.0" });
try {
  await client.connect(
    new StdioClientTransport({
      command: "lessonbank",
      args: ["serve", "--in-process"], // a store that is thrown away needs no shared host
      // the first recall may wait for the model instead of answering from keywords
      env: { ...getDefaultEnvironment(), LESSONBANK_STORE: store, LESSONBANK_MODEL_WAIT: "50" },
    }),
  );
  for (const [title, { content }] of Object.entries(LESSONS)) {
    await call(client, "remember", { title, content });
    console.log(`remembered: ${title}`);
  }
  const rounds = [];
  for (let round = 0; round < 4; round++) rounds.push(await oneRound(client));

  const [misleading, right] = Object.keys(LESSONS);
  assert.equal(rounds.at(0)?.title, misleading, "before any outcome, the look-alike stands first");
  assert.equal(rounds.at(-1)?.title, right, "after real failures, what works stands first");
  assert.ok(rounds.at(-1)?.worked, "and it works");
  console.log("The order changed: the lesson that failed went down, the one that works came up.");
} finally {
  await client.close();
  await rm(store, { recursive: true, force: true });
}
