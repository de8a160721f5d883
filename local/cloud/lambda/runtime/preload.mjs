// Preloaded into a function's process, before aws-lambda-ric (node --import preload.mjs <aws-lambda-ric> <handler>).
// 1. Redirects the native client, which is not compiled, to client.cjs.
// 2. Adds the environment's token to calls of the Runtime API, so that one environment cannot take or answer another one's event.
import http from "node:http";
import { registerHooks } from "node:module";

const CLIENT = new URL("./client.cjs", import.meta.url).href;
const TOKEN = process.env.LOCAL_RUNTIME_TOKEN;
const [HOST, PORT] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
delete process.env.LOCAL_RUNTIME_TOKEN;

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.endsWith("rapid-client.node")) return { url: CLIENT, format: "commonjs", shortCircuit: true };
    return nextResolve(specifier, context);
  },
});

const request = http.request;
http.request = function requestWithToken(options, ...rest) {
  const own = options?.hostname === HOST && String(options?.port) === PORT;
  return own
    ? request.call(this, { ...options, headers: { ...options.headers, "x-environment-token": TOKEN } }, ...rest)
    : request.call(this, options, ...rest);
};
