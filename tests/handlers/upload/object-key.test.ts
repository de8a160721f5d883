// Proves that keys and download names are made by the server and safe, whatever the client calls its file.
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  buildContentDisposition,
  buildObjectKey,
  extensionOf,
  parseObjectKey,
  toSafeName,
} from "../../../handlers/upload/object-key";
import { codePoint } from "../../support/text";
import { alice } from "../../support/upload-handlers";

const anyName = fc.oneof(
  fc.string({ unit: codePoint, maxLength: 255 }),
  fc.string({ unit: "grapheme", maxLength: 255 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 255 }).map((units) => String.fromCharCode(...units)),
);

describe("Object keys", () => {
  it("U2: is prefix, tenant, user, id and safe name", () => {
    const key = buildObjectKey("uploads/", alice, "0190-id", "Holiday.mp4");

    assert.equal(key, "uploads/acme/alice/0190-id/Holiday.mp4");
  });

  it("U2: keeps any name to one segment of at most 200 bytes without control characters, stably", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const safe = toSafeName(name);

        assert.ok(safe.length > 0 && Buffer.byteLength(safe) <= 200);
        assert.ok(safe.isWellFormed());
        assert.doesNotMatch(safe, /[/\\\p{Cc}\p{Cf}]|^[.\s]|[.\s]$/u);
        assert.equal(safe, safe.normalize("NFC"));
        assert.equal(toSafeName(safe), safe);
      }),
      { numRuns: 2000 },
    );
  });

  const names = [
    ["../../etc/passwd", "_.._etc_passwd"],
    ["C:\\temp\\a.txt", "C__temp_a.txt"],
    [".htaccess", "htaccess"],
    ["...", "file"],
    ["", "file"],
    ["a\u0000b\r\nc.png", "abc.png"],
    ["invoice\u202Egpj.exe", "invoicegpj.exe"],
    ["Cafe\u0301.txt", "Café.txt"],
    ["e\u200d\u0301", "é"],
    ["100%.txt", "100_.txt"],
    ["\ud800.txt", "txt"],
    ["日本語.mp4", "日本語.mp4"],
  ] as const;
  for (const [name, safe] of names) {
    it(`U2: turns ${JSON.stringify(name)} into ${JSON.stringify(safe)}`, () => {
      assert.equal(toSafeName(name), safe);
    });
  }

  it("U2: keeps the extension of a long name", () => {
    const safe = toSafeName(`${"ü".repeat(250)}.mp4`);

    assert.equal(safe, `${"ü".repeat(98)}.mp4`);
  });

  const extensions = [
    ["Photo.PNG", ".png"],
    ["archive.tar.gz", ".gz"],
    ["noextension", ""],
    [".png", ""],
    ["trailing.", ""],
    ["spaces.png ", ".png"],
  ] as const;
  for (const [name, extension] of extensions) {
    it(`U18: finds ${JSON.stringify(extension)} at the end of ${JSON.stringify(name)}`, () => {
      assert.equal(extensionOf(name), extension);
    });
  }
});

describe("Content disposition", () => {
  it("U35: offers an ASCII name and the true one", () => {
    const header = buildContentDisposition("Café (1) 'a'.mp4");

    assert.equal(header, `attachment; filename="Cafe (1) 'a'.mp4"; filename*=UTF-8''Caf%C3%A9%20%281%29%20%27a%27.mp4`);
  });

  it("U35: is one header of plain ASCII with a decodable name, for any file name", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const match = /^attachment; filename="([^"\\]*)"; filename\*=UTF-8''([A-Za-z0-9._~%-]*)$/.exec(
          buildContentDisposition(name),
        );

        assert.ok(match, name);
        assert.match(match[1] ?? "", /^[\x20-\x7e]+$/);
        assert.equal(decodeURIComponent(match[2] ?? ""), toSafeName(name));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("Reading an object key", () => {
  const caller = { tenant: "acme", user: "al~40ice" };
  const uploadId = "0190a2b4-8b99-76a9-8113-ac8bc15970e4";

  it("finds tenant, user and upload of a key that the server has made", () => {
    for (const prefix of ["", "uploads/", "a/b/"]) {
      const key = buildObjectKey(prefix, caller, uploadId, "holiday (1).mp4");

      assert.deepEqual(parseObjectKey(prefix, key), { caller, uploadId });
    }
  });

  it("finds nothing in any other key", () => {
    const path = `acme/alice/${uploadId}/a.mp4`;
    const keys = [
      `other/${path}`,
      `uploadsx${path}`,
      "uploads/",
      `uploads/${path}/more`,
      `uploads/acme/alice/${uploadId}`,
      `uploads//alice/${uploadId}/a.mp4`,
      `uploads/acme//${uploadId}/a.mp4`,
      "uploads/acme/alice/holiday/a.mp4",
    ];

    for (const key of keys) assert.equal(parseObjectKey("uploads/", key), undefined, key);
  });
});
