// An input that never resolves.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const never = pulumi.output(new Promise<string>(() => undefined));
export const id = new aws.s3.Bucket("stuck", { bucket: never }).id;
