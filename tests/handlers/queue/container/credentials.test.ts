// Proves that a container's credentials come from the endpoint that ECS or EKS offers, and are renewed before they expire.
import assert from "node:assert/strict";
import { keepCredentials } from "../../../../handlers/queue/container/credentials";
import { Health } from "../../../../handlers/queue/container/health";
import { queueArnOf, readContainerSettings } from "../../../../handlers/queue/container/settings";
import type { HttpRequest, SendHttp } from "../../../../handlers/shared/http-client";

const NOW = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

interface Endpoint {
  readonly requests: HttpRequest[];
  readonly timers: { readonly milliseconds: number; readonly callback: () => void }[];
  readonly ports: NonNullable<Parameters<typeof keepCredentials>[1]>;
}

function endpoint(...answers: readonly { readonly status: number; readonly body: string }[]): Endpoint {
  const [requests, timers]: [HttpRequest[], Endpoint["timers"]] = [[], []];
  const send: SendHttp = async (request) => {
    requests.push(request);
    return answers[Math.min(requests.length, answers.length) - 1]!;
  };
  const schedule = (milliseconds: number, callback: () => void): (() => void) => {
    timers.push({ milliseconds, callback });
    return () => undefined;
  };
  return { requests, timers, ports: { send, schedule, now: () => NOW } };
}

const granted = (id: string, lifetimeMs = hour): { status: number; body: string } => ({
  status: 200,
  body: JSON.stringify({
    AccessKeyId: id,
    SecretAccessKey: "s",
    Token: "t",
    Expiration: new Date(NOW + lifetimeMs).toISOString(),
  }),
});

describe("Credentials of a container", () => {
  it("fetches them from the endpoint of ECS, and renews them five minutes before they expire", async () => {
    const { requests, timers, ports } = endpoint(granted("first"), granted("second"));

    const live = await keepCredentials({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/id", X: "y" }, ports);
    const first = live.environment.AWS_ACCESS_KEY_ID;
    timers[0]!.callback();
    await new Promise((resolve) => setImmediate(resolve));

    assert.equal(requests[0]!.url.href, "http://169.254.170.2/v2/id");
    assert.equal(timers[0]!.milliseconds, hour - 300_000);
    const { AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, X } = live.environment;
    assert.deepEqual([first, AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, X], ["first", "second", "t", "y"]);
  });

  it("sends the authorization token to a full URI", async () => {
    const { requests, ports } = endpoint(granted("id"));

    await keepCredentials(
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1", AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret" },
      ports,
    );

    assert.equal(requests[0]!.headers.authorization, "secret");
  });

  it("keeps the old ones and tries again when the renewal fails", async () => {
    const { timers, ports } = endpoint(granted("first"), { status: 500, body: "" });
    const errors: unknown[] = [];

    const live = await keepCredentials(
      { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/id" },
      { ...ports, onError: (error) => errors.push(error) },
    );
    timers[0]!.callback();
    await new Promise((resolve) => setImmediate(resolve));

    assert.deepEqual(
      [live.environment.AWS_ACCESS_KEY_ID, errors.length, timers[1]!.milliseconds],
      ["first", 1, 30_000],
    );
  });

  it("leaves the environment alone that has credentials of its own", async () => {
    const environment = { AWS_ACCESS_KEY_ID: "own", AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/id" };
    const { requests, ports } = endpoint(granted("id"));

    const live = await keepCredentials(environment, ports);

    assert.deepEqual([live.environment, requests.length], [environment, 0]);
  });

  it("rejects plain HTTP to another machine, an answer without credentials, and does not quote it", async () => {
    const refused = endpoint({ status: 200, body: "secret text" });

    await assert.rejects(keepCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://10.0.0.1/" }), /must be HTTPS/);
    await assert.rejects(keepCredentials({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/id" }, refused.ports), {
      message: "the credentials endpoint answered without credentials",
    });
  });
});

describe("Settings of a container", () => {
  it("have defaults, and rejects values out of range", () => {
    assert.deepEqual(readContainerSettings({}), {
      concurrency: 10,
      visibilitySeconds: 60,
      messageTimeoutSeconds: 900,
      graceSeconds: 25,
      waitSeconds: 20,
    });
    assert.throws(() => readContainerSettings({ WAIT_SECONDS: "21" }), /WAIT_SECONDS must be from 0 to 20/);
    assert.throws(() => readContainerSettings({ CONCURRENCY: "many" }), /CONCURRENCY must be from 1 to 1000/);
  });

  it("derive the queue's ARN from its URL", () => {
    const url = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/work.fifo";

    assert.equal(queueArnOf(url, { AWS_REGION: "cn-north-1" }), "arn:aws-cn:sqs:cn-north-1:123456789012:work.fifo");
  });
});

describe("The health of a container", () => {
  it("lasts while polls are answered and the worker is not stopping", () => {
    let now = NOW;
    const health = new Health(() => now);
    const seen = [90_000, 1].map((pause) => ((now += pause), health.healthy));
    health.polled();
    seen.push(health.healthy);
    health.stop();

    assert.deepEqual([...seen, health.healthy, health.stopping], [true, false, true, false, true]);
  });
});
