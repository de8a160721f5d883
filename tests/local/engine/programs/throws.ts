// A failing apply that feeds no output.
import * as aws from "@pulumi/aws";

new aws.s3.Bucket("x").bucket.apply(() => {
  throw new Error("boom in apply");
});
