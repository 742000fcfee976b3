// Sends the server's bearer token with every request of the suite, which has no option for
// headers:  node --import ./token.mjs node_modules/.bin/conformance server ...
//
// The suite speaks through fetch and undici, which share one dispatcher, and through node:http.

import http from "node:http";
import { getGlobalDispatcher, setGlobalDispatcher } from "undici";

const authorization = `Bearer ${process.env.LESSONBANK_TOKEN}`;

function joined(headers) {
  if (Array.isArray(headers)) return [...headers, "authorization", authorization];
  if (headers?.[Symbol.iterator]) return [...headers, ["authorization", authorization]];
  return { ...headers, authorization };
}

setGlobalDispatcher(
  getGlobalDispatcher().compose(
    (dispatch) => (options, handler) => dispatch({ ...options, headers: joined(options.headers) }, handler),
  ),
);

const { request } = http;
http.request = (options, ...rest) => request({ ...options, headers: joined(options.headers) }, ...rest);
