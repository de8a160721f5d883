// A failing apply that feeds no output.
import { Bucket } from "@pulumi/aws/s3";

new Bucket("x").bucket.apply(() => {
  throw new Error("boom in apply");
});
