// Proves who counts as a caller: verified Cognito claims or a verified IAM principal, and nothing else.
import assert from "node:assert/strict";
import fc from "fast-check";
import { identifyCaller, toSegment } from "../../../handlers/shared/identity";
import { codePoint } from "../../support/text";
import { createRequestContext } from "../../support/upload-handlers";

const TENANT_CLAIM = "custom:tenant";

describe("Callers", () => {
  it("U1: are Cognito users with the tenant of their claim, or the default one", () => {
    const withTenant = createRequestContext({ claims: { sub: "1234", [TENANT_CLAIM]: "acme" } });
    const without = createRequestContext({ claims: { sub: "1234" } });

    assert.deepEqual(identifyCaller(withTenant, TENANT_CLAIM), { tenant: "acme", user: "1234" });
    assert.deepEqual(identifyCaller(without, TENANT_CLAIM), { tenant: "default", user: "1234" });
  });

  it("U1: are IAM principals under their unique id", () => {
    const context = createRequestContext(undefined, {
      userArn: "arn:aws:sts::123456789012:assumed-role/app/session",
      caller: "AROAEXAMPLE:session",
    });

    assert.deepEqual(identifyCaller(context, TENANT_CLAIM), { tenant: "default", user: "AROAEXAMPLE~3Asession" });
  });

  const nobody = [
    ["no authorizer, from any address", createRequestContext(undefined, { sourceIp: "10.0.0.1" })],
    ["an authorizer without claims", createRequestContext({ principalId: "alice" })],
    ["claims without a subject", createRequestContext({ claims: { email: "a@example.com" } })],
    ["an empty subject", createRequestContext({ claims: { sub: " " } })],
    ["a subject that is no text", createRequestContext({ claims: { sub: 7 } })],
    ["an ARN without a caller", createRequestContext(undefined, { userArn: "arn:aws:iam::1:user/a" })],
    ["only an account", createRequestContext(undefined, { accountId: "123456789012" })],
    ["no context", undefined],
  ] as const;
  for (const [what, context] of nobody) {
    it(`U1: rejects ${what}`, () => {
      assert.throws(() => identifyCaller(context, TENANT_CLAIM), { code: "Unauthenticated", status: 401 });
    });
  }

  it("U1: rejects bad claims even when an IAM identity stands beside them", () => {
    const context = createRequestContext({ claims: {} }, { userArn: "arn:aws:iam::1:user/a", caller: "AIDA" });

    assert.throws(() => identifyCaller(context, TENANT_CLAIM), { code: "Unauthenticated" });
  });

  it("U2: have names that are safe in keys and never shared by two of them", () => {
    const name = fc.string({ unit: codePoint, minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(name, name, (first, second) => {
        assert.match(toSegment(first), /^(?!\.+$)[A-Za-z0-9._@~-]{1,128}$/);
        assert.equal(toSegment(first) === toSegment(second), first === second);
      }),
      { numRuns: 1000 },
    );
    for (const name of ["..", ".", "a/b", "USER#x", "~41"]) assert.match(toSegment(name), /~/);
  });
});
