// Proves which media types pass the allow list, and that first bytes are compared with them.
import assert from "node:assert/strict";
import { isAllowedType, matchesFirstBytes, parseMediaType } from "../../../handlers/upload/media-type";

describe("Media types", () => {
  const parsed = [
    ["image/png", "image/png"],
    ["Text/Plain; charset=utf-8", "text/plain"],
    [" video/mp4 ", "video/mp4"],
    ["image", undefined],
    ["image/", undefined],
    ["image/png\r\nx: y", undefined],
    ["image/*", "image/*"],
    ["", undefined],
  ] as const;
  for (const [text, expected] of parsed.filter(([, type]) => type !== "image/*")) {
    it(`U18: reads ${JSON.stringify(text)} as ${expected}`, () => {
      assert.equal(parseMediaType(text), expected);
    });
  }

  it("rejects a range as the type of a file", () => {
    assert.equal(parseMediaType("image/*"), undefined);
  });

  const allowed = [
    ["image/png", ["image/png"], true],
    ["image/png", ["IMAGE/PNG"], true],
    ["image/png", ["image/*"], true],
    ["image/png", ["*/*"], true],
    ["image/png", ["image/jpeg"], false],
    ["imagery/png", ["image/*"], false],
    ["image/png", [], false],
  ] as const;
  for (const [type, list, expected] of allowed) {
    it(`U18: ${expected ? "allows" : "rejects"} ${type} with ${JSON.stringify(list)}`, () => {
      assert.equal(isAllowedType(type, list), expected);
    });
  }

  const mp4 = Buffer.from("000000206674797069736f6d", "hex");
  const png = Buffer.from("89504e470d0a1a0a0000000d", "hex");
  const contents = [
    ["video/mp4", mp4, true],
    ["video/mp4", png, false],
    ["image/png", png, true],
    ["image/png", png.subarray(0, 4), false],
    ["image/webp", Buffer.from("RIFF\x01\x02\x03\x04WEBPVP8 ", "latin1"), true],
    ["image/webp", Buffer.from("RIFF\x01\x02\x03\x04WAVEfmt ", "latin1"), false],
    ["application/pdf", Buffer.from("%PDF-1.7"), true],
    ["application/pdf", Buffer.from("<html>"), false],
    ["text/plain", Buffer.from("MZ is how this text begins"), true],
    ["text/plain", Buffer.from("a\0b"), false],
    ["text/plain", Buffer.from("fffe6100", "hex"), true],
    ["application/x-own", Buffer.from("whatever"), true],
    ["application/x-own", Buffer.from("MZ\x90"), false],
    ["application/x-own", Buffer.from("\x7fELF"), false],
    ["application/x-own", Buffer.from("#!/bin/sh"), false],
  ] as const;
  for (const [type, content, expected] of contents) {
    it(`U18: ${expected ? "takes" : "rejects"} ${JSON.stringify(content.toString("latin1"))} as ${type}`, () => {
      assert.equal(matchesFirstBytes(type, content), expected);
    });
  }
});
