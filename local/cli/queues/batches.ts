// Cuts entries into batches that SQS takes: ten entries and 1 MiB at most.
import { SQS_LIMITS } from "../../../handlers/queue/contract";

/** Parts of a message that count towards its size. */
export interface Sized {
  readonly MessageBody: string | undefined;
  readonly MessageAttributes?:
    | Readonly<
        Record<
          string,
          {
            readonly DataType: string | undefined;
            readonly StringValue?: string | undefined;
            readonly BinaryValue?: Uint8Array | undefined;
          }
        >
      >
    | undefined;
}

/** Batches in order; each is as large as SQS takes. */
export function inBatches<T extends Sized>(entries: readonly T[]): readonly (readonly T[])[] {
  const batches: T[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    const last = batches.at(-1);
    if (last && last.length < SQS_LIMITS.batchEntries && bytes + size <= SQS_LIMITS.maximumMessageBytes) {
      last.push(entry);
      bytes += size;
    } else {
      batches.push([entry]);
      bytes = size;
    }
  }
  return batches;
}

/** Bytes of body and attributes: names, types and values. */
function sizeOf({ MessageBody: body = "", MessageAttributes: attributes = {} }: Sized): number {
  const sizes = Object.entries(attributes).map(
    ([name, { DataType, StringValue, BinaryValue }]) =>
      Buffer.byteLength(name + (DataType ?? "") + (StringValue ?? "")) + (BinaryValue?.length ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(body));
}
