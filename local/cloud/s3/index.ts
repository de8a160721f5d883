// What the rest of the embedded cloud uses of S3.
export type { S3Control } from "./control";
export type { FaultRule } from "./faults";
export { createS3Service } from "./service";
export type { MultipartUpload } from "./state";
