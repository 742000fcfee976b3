// One TypeScript SDK client, one transport, one negotiation mode: works through the whole
// contract and prints one JSON line per check. `tests/node/__main__.py` runs all combinations.
//
//     node clients.mjs v1|v2 stdio|http|sse legacy|auto|pin -- URL or COMMAND ARGS...
//
// The server's environment comes from this process; LESSONBANK_TOKEN is the bearer token.

import assert from "node:assert/strict";

const MODERN = "2026-07-28";
const HANDSHAKE = "2025-11-25";
const TOOLS = ["recall", "check", "remember", "report_outcome", "list_lessons", "forget"];
const PROMPTS = ["start_task", "debrief", "contrast_attempts", "review_memory"];
const NOTIFIED_WITHIN_MS = 10_000;

const [line, transportName, mode, dashes, ...target] = process.argv.slice(2);
assert.equal(dashes, "--");

const sdk = {
  v1: async () => ({
    ...(await import("@modelcontextprotocol/sdk/client/index.js")),
    ...(await import("@modelcontextprotocol/sdk/client/stdio.js")),
    ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
    ...(await import("@modelcontextprotocol/sdk/client/sse.js")),
    ...(await import("@modelcontextprotocol/sdk/types.js")),
  }),
  v2: async () => ({
    ...(await import("@modelcontextprotocol/client")),
    ...(await import("@modelcontextprotocol/client/stdio")),
  }),
}[line];
const lib = await sdk();

function transport() {
  if (transportName === "stdio") {
    return new lib.StdioClientTransport({ command: target[0], args: target.slice(1), env: process.env, stderr: "ignore" });
  }
  const headers = { Authorization: `Bearer ${process.env.LESSONBANK_TOKEN}` };
  const Transport = transportName === "sse" ? lib.SSEClientTransport : lib.StreamableHTTPClientTransport;
  return new Transport(new URL(target[0]), { requestInit: { headers } });
}

const negotiation = mode === "pin" ? { pin: MODERN } : mode;
const client = new lib.Client(
  { name: `lessonbank-checks-${line}`, version: "1.0.0" },
  line === "v2" ? { versionNegotiation: { mode: negotiation } } : {},
);
const modern = mode !== "legacy";

let failures = 0;
async function check(name, run) {
  let problem = "";
  try {
    await run();
  } catch (error) {
    problem = String(error?.message ?? error).replaceAll(/\s+/g, " ").slice(0, 400);
    failures += 1;
  }
  console.log(JSON.stringify({ check: name, ok: !problem, problem }));
}

async function call(name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, JSON.stringify(result.content));
  assert.ok(result.content.some((part) => part.type === "text" && part.text), "no text for clients that read content");
  return result.structuredContent;
}

let item, recalled;
const task = `rename the branch of ${line} over ${transportName} in mode ${mode}`;
const checks = {
  connect: async () => {
    await client.connect(transport());
    assert.equal(client.getServerVersion()?.name, "lessonbank");
    assert.ok(client.getInstructions()?.length > 100, "no instructions");
    assert.ok(client.getInstructions().length < 2000, "instructions too long");
    if (line === "v2") assert.equal(client.getNegotiatedProtocolVersion(), modern ? MODERN : HANDSHAKE);
  },
  "tools/list": async () => {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), TOOLS.toSorted());
    for (const tool of tools) {
      assert.equal(tool.outputSchema?.type, "object", `${tool.name} has no outputSchema`);
      assert.deepEqual(
        Object.keys(tool.annotations ?? {}).filter((key) => key.endsWith("Hint")).sort(),
        ["destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"],
      );
    }
  },
  remember: async () => {
    item = await call("remember", { title: `Branch names: ${task}`, content: `Use git branch -m to ${task}.` });
    assert.equal(item.status, "added");
  },
  recall: async () => {
    recalled = await call("recall", { task });
    assert.ok(recalled.items.some((one) => one.id === item.id), "what was remembered is not recalled");
  },
  "recall by an alias": async () => {
    assert.ok((await call("recall", { query: task, k: 1 })).recall_id);
  },
  check: async () => {
    assert.ok(Array.isArray((await call("check", { action: task })).warnings));
  },
  "report_outcome, evidence outranks opinion": async () => {
    const report = await call("report_outcome", {
      recall_id: recalled.recall_id,
      outcome: "success",
      used_ids: [item.id],
      evidence: { exit_code: 1, log: "fatal: no branch named old" },
    });
    assert.equal(report.judged.outcome, "failure");
    assert.equal(report.credited.find((one) => one.id === item.id)?.losses, 1);
  },
  "bad input is one clear tool error": async () => {
    const result = await client.callTool({ name: "forget", arguments: { item_id: "item_nowhere", reason: "x" } });
    assert.ok(result.isError);
    assert.match(result.content[0].text, /item_nowhere/);
  },
  list_lessons: async () => {
    const { items } = await call("list_lessons", { limit: 100 });
    assert.ok(items.some((one) => one.id === item.id));
  },
  "resources/list": async () => {
    const uris = (await client.listResources()).resources.map((one) => one.uri);
    for (const uri of ["memory://mistakes", "memory://scorer", "memory://stats"]) assert.ok(uris.includes(uri), uri);
    const templates = (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate);
    assert.deepEqual(templates.sort(), ["memory://lessons/{id}", "memory://projects/{project}/brief"]);
  },
  "resources/read": async () => {
    const uris = ["memory://mistakes", "memory://scorer", "memory://stats", `memory://lessons/${item.id}`];
    for (const uri of [...uris, "memory://projects/default/brief"]) {
      const { contents } = await client.readResource({ uri });
      assert.ok(contents[0]?.text, `${uri} is empty`);
    }
  },
  "an unknown resource is refused": async () => {
    await assert.rejects(client.readResource({ uri: "memory://lessons/item_nowhere" }), /item_nowhere/);
  },
  "prompts/list and prompts/get": async () => {
    const { prompts } = await client.listPrompts();
    assert.deepEqual(prompts.map((one) => one.name).sort(), PROMPTS.toSorted());
    const { messages } = await client.getPrompt({ name: "start_task", arguments: { task } });
    assert.ok(messages[0]?.content.text.includes(task));
  },
  "a subscriber hears of a change": async () => {
    const uri = "memory://stats";
    const heard = new Promise((resolve, reject) => {
      setTimeout(() => reject(Error(`nothing heard of ${uri}`)), NOTIFIED_WITHIN_MS).unref();
      const method = "notifications/resources/updated";
      client.setNotificationHandler(line === "v1" ? lib.ResourceUpdatedNotificationSchema : method, (message) => {
        if (message.params.uri === uri) resolve();
      });
    });
    heard.catch(() => {}); // awaited below; a failure before that must not end the process
    const open = modern ? await client.listen({ resourceSubscriptions: [uri] }) : await client.subscribeResource({ uri });
    await call("remember", { title: `A second lesson: ${task}`, content: "Heard by whoever subscribed." });
    await heard;
    if (modern) await open.close();
  },
  forget: async () => {
    assert.equal((await call("forget", { item_id: item.id, reason: "only a check" })).state, "retired");
  },
};

for (const [name, run] of Object.entries(checks)) {
  await check(name, run);
  if (failures && name === "connect") break;
}
await client.close();
process.exit(failures ? 1 : 0);
