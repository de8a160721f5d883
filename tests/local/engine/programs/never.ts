// An input that never resolves.
import { Bucket } from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";

const never = pulumi.output(new Promise<string>(() => undefined));
export const id = new Bucket("stuck", { bucket: never }).id;
