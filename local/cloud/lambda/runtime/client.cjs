// Runs inside a function's process. Stands in for the native Runtime API client of aws-lambda-ric 4.0.2: next, done and error over
// node:http. A response is sent before the next event is asked for. Streamed responses do not pass here: aws-lambda-ric sends them.
"use strict";
const http = require("node:http");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
/** The REPORT line needs the resident set. (resourceUsage().maxRSS starts with that of the parent process on Linux.) */
const memoryHeader = () => ({ "x-rss-bytes": String(process.memoryUsage.rss()) });

const call = (method, path, body, headers = {}) =>
  new Promise((resolve, reject) => {
    const bodyHeaders =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request(
      {
        hostname,
        port,
        method,
        agent,
        path: `/2018-06-01/runtime/${path}`,
        headers: { ...bodyHeaders, ...memoryHeader(), ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ bodyJson: text, headers: response.headers }));
      },
    );
    request.on("error", reject);
    request.end(body);
  });

let lastPost = Promise.resolve();

module.exports = {
  initializeClient() {},
  next: () => lastPost.then(() => call("GET", "invocation/next")),
  done(requestId, body) {
    lastPost = call("POST", `invocation/${requestId}/response`, body);
  },
  error(requestId, body) {
    const type = JSON.parse(body).errorType ?? "Error";
    lastPost = call("POST", `invocation/${requestId}/error`, body, { "lambda-runtime-function-error-type": type });
  },
};
