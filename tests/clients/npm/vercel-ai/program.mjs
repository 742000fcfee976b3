// An agent of the Vercel AI SDK.

import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount } from "ai";

const { MCP_URL: url, MCP_TOKEN: token, MCP_COMMAND: command, MODEL_URL: baseURL, PROMPT: prompt } = process.env;
const transport = url
  ? { type: "http", url, headers: { Authorization: `Bearer ${token}` } }
  : new StdioTransport({ command, args: ["serve"] });
const client = await createMCPClient({ transport });
try {
  const model = createOpenAICompatible({ name: "scripted", baseURL, apiKey: "none" })("scripted");
  const { text } = await generateText({ model, prompt, tools: await client.tools(), stopWhen: isStepCount(10) });
  console.log(text);
} finally {
  await client.close();
}
