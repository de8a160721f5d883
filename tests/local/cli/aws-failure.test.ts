// Proves which failures of the SDK are told in the words of the commands. That the SDK does fail so is proven with each command.
import assert from "node:assert/strict";
import { describeAwsFailure } from "../../../local/cli/aws-failure";

const failureOf = (name: string, message: string, more: object = {}): unknown => {
  const failure = describeAwsFailure(Object.assign(new Error(message), { name }, more), "ops");
  return failure && [failure.kind, failure.seen];
};

describe("failures of AWS", () => {
  it("tell why a profile gives no credentials, an ended session of SSO say", () => {
    assert.deepEqual(failureOf("CredentialsProviderError", "The SSO session has expired."), [
      "credentials",
      "no AWS credentials were found for the profile ops: The SSO session has expired",
    ]);
  });

  it("are recognised by the codes of each service", () => {
    for (const name of ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidToken"]) {
      assert.deepEqual(failureOf(name, "No."), ["credentials", "AWS refuses the credentials: No"]);
    }
    assert.deepEqual(failureOf("Error", "getaddrinfo", { code: "ENOTFOUND" }), [
      "network",
      "AWS does not answer: ENOTFOUND",
    ]);
    assert.deepEqual(failureOf("TimeoutError", "slow"), ["network", "AWS does not answer: TimeoutError"]);
  });

  it("name what is missing as well as AWS says it", () => {
    const fixOf = (message: string): string | undefined =>
      describeAwsFailure(Object.assign(new Error(message), { name: "AccessDenied" }))?.fix;

    assert.match(
      fixOf("User: x is not authorized to perform: sqs:PurgeQueue on resource: y") ?? "",
      /^allow sqs:PurgeQueue/,
    );
    assert.match(fixOf("Access Denied") ?? "", /^allow what it needs/);
  });

  it("leave everything else as it is", () => {
    assert.equal(failureOf("InvalidParameterValue", "no"), undefined);
    assert.equal(failureOf("AbortError", "interrupted"), undefined);
    assert.equal(describeAwsFailure("text"), undefined);
  });
});
