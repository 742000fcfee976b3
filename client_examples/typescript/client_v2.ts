// The same memory through @modelcontextprotocol/client (the v2 line): one option lets it
// speak protocol 2026-07-28 where the server does, and 2025-11-25 where it does not.
//
//     npm ci && npm start
//
// Starts its own server (`lessonbank serve` from the PATH) on a store that is thrown
// away at the end. Exits non-zero when the memory does not do what the text below says.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport, getDefaultEnvironment } from "@modelcontextprotocol/client/stdio";

const store = await mkdtemp(join(tmpdir(), "lessonbank-"));
const client = new Client(
  { name: "typescript-example-v2", version: "1.0.0" },
  { versionNegotiation: { mode: "auto" } },
);

/** Calls a tool and gives its structured answer; a tool error ends the program. */
async function call<T>(name: string, args: Record<string, unknown>): Promise<T> {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError && result.structuredContent, `${name}: ${JSON.stringify(result.content)}`);
  return result.structuredContent as T;
}

try {
  await client.connect(
    new StdioClientTransport({
      command: "lessonbank",
      args: ["serve", "--in-process"], // a store that is thrown away needs no shared host
      env: { ...getDefaultEnvironment(), LESSONBANK_STORE: store },
    }),
  );
  console.log(`connected with protocol ${client.getNegotiatedProtocolVersion()}`);
  assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");

  const { tools } = await client.listTools();
  console.log(`tools: ${tools.map((tool) => tool.name).join(", ")}`);

  const stored = await call<{ id: string; status: string }>("remember", {
    kind: "pitfall",
    title: "fs.rm without recursive refuses a folder",
    content: "Pass {recursive: true, force: true} to fs.rm when the target is a folder.",
  });
  assert.equal(stored.status, "added");

  const warned = await call<{ items: { id: string; title: string }[] }>("check", {
    action: "remove the build folder with fs.rm",
  });
  assert.equal(warned.items[0]?.id, stored.id, "the pitfall is there at the moment of action");
  console.log(`warned before acting: ${warned.items[0]?.title}`);

  const item = await client.readResource({ uri: `memory://lessons/${stored.id}` });
  assert.match(JSON.stringify(item.contents), /recursive/);
  console.log(`read memory://lessons/${stored.id}`);
} finally {
  await client.close();
  await rm(store, { recursive: true, force: true });
}
