// Proves refusals that the SDK never provokes: requests signed by hand, with bodies and headers that a client gets wrong.
import assert from "node:assert/strict";
import { signRequest } from "../../../../local/cloud/gateway";
import { testAccountId } from "../../../support/cloud-context";
import { rawRefusal, type Refusal, type S3Cloud, startS3Cloud } from "../../../support/s3-cloud";

describe("S3 protocol", () => {
  let cloud: S3Cloud;

  before(async () => {
    cloud = await startS3Cloud();
    await cloud.bucket("media");
  });
  after(() => cloud.stop());

  const send = async (
    method: string,
    path: string,
    body = "",
    headers: Record<string, string> = {},
    payloadHash?: string,
  ): Promise<Refusal> => {
    const { access, clock } = cloud.context;
    const credentials = access.issue({
      kind: "root",
      arn: `arn:aws:iam::${testAccountId}:root`,
      accountId: testAccountId,
      userId: testAccountId,
    });
    const url = `${cloud.origin}/${path}`;
    const signed = signRequest({
      method,
      url,
      headers,
      body,
      ...(payloadHash === undefined ? {} : { payloadHash }),
      credentials,
      service: "s3",
      region: "eu-west-1",
      at: clock.now(),
    });
    return rawRefusal(await fetch(url, { method, headers: signed, ...(body === "" ? {} : { body }) }));
  };

  it("rejects DeleteObjects without a digest of its document", async () => {
    const refused = await send("POST", "media?delete=", "<Delete><Object><Key>a</Key></Object></Delete>");

    assert.deepEqual([refused.code, refused.status], ["InvalidRequest", 400]);
    assert.equal(refused.message, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  });

  it("rejects documents that are not XML, or another document", async () => {
    await send("PUT", "media/a", "x");

    for (const body of ["<Tagging>", "<Other/>", "no xml"]) {
      assert.equal((await send("PUT", "media/a?tagging=", body)).code, "MalformedXML", body);
    }
  });

  it("rejects an aws-chunked body shorter than announced with IncompleteBody, and keeps nothing", async () => {
    const files = cloud.s3.bodyFileCount();
    const headers = { "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5" };

    const refused = await send(
      "PUT",
      "media/short",
      "3\r\nabc\r\n0\r\n\r\n",
      headers,
      "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    );

    assert.deepEqual([refused.code, refused.status], ["IncompleteBody", 400]);
    assert.equal(cloud.s3.bodyFileCount(), files);
  });

  it("rejects an algorithm that is named without a value, unknown, or not simulated", async () => {
    const named = await send("PUT", "media/a", "x", { "x-amz-sdk-checksum-algorithm": "CRC32" });
    const unknown = await send("POST", "media/a?uploads=", "", { "x-amz-checksum-algorithm": "CRC16" });
    const left = await send("POST", "media/a?uploads=", "", { "x-amz-checksum-algorithm": "SHA512" });

    assert.match(named.message, /no corresponding x-amz-checksum-\* or x-amz-trailer headers were found/);
    assert.match(unknown.message, /^Checksum algorithm provided is unsupported/);
    assert.deepEqual([left.code, left.status], ["NotSimulated", 501]);
  });

  it("rejects headers that are not simulated, by name", async () => {
    for (const [header, value] of [
      ["x-amz-object-lock-mode", "GOVERNANCE"],
      ["x-amz-server-side-encryption-customer-algorithm", "AES256"],
      ["x-amz-website-redirect-location", "/b"],
      ["x-amz-storage-class", "GLACIER"],
      ["x-amz-server-side-encryption", "aws:kms:dsse"],
    ] as const) {
      assert.equal((await send("PUT", "media/a", "x", { [header]: value })).code, "NotSimulated", header);
    }
  });

  it("rejects encryption and storage classes that S3 does not know", async () => {
    const encryption = await send("PUT", "media/a", "x", { "x-amz-server-side-encryption": "ROT13" });
    const key = await send("PUT", "media/a", "x", { "x-amz-server-side-encryption-aws-kms-key-id": "k" });
    const storage = await send("PUT", "media/a", "x", { "x-amz-storage-class": "COLD" });

    assert.equal(encryption.message, "The encryption method specified is not supported");
    assert.match(key.message, /requires HTTP header x-amz-server-side-encryption : aws:kms/);
    assert.equal(storage.code, "InvalidStorageClass");
  });

  it("rejects a copy source without a key, and a metadata directive that is none", async () => {
    const source = await send("PUT", "media/b", "", { "x-amz-copy-source": "media" });
    const directive = { "x-amz-copy-source": "media/a", "x-amz-metadata-directive": "MERGE" };
    await send("PUT", "media/a", "x");

    assert.equal(source.message, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    assert.equal((await send("PUT", "media/b", "", directive)).message, "Unknown metadata directive.");
  });

  it("rejects list parameters that are out of range", async () => {
    assert.equal((await send("GET", "media?list-type=2&max-keys=-1")).code, "InvalidArgument");
    assert.equal((await send("GET", "media?list-type=2&max-keys=x")).code, "InvalidArgument");
    assert.equal((await send("GET", "media?list-type=2&encoding-type=x")).code, "InvalidArgument");
  });

  it("rejects version 1 of ListObjects and form uploads by name", async () => {
    const list = await send("GET", "media");
    const form = await send("POST", "media", "x");

    assert.match(list.message, /ListObjects \(version 1; use ListObjectsV2\)/);
    assert.match(form.message, /PostObject/);
  });
});
