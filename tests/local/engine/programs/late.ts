// Creates a resource from a timer, after the module body has settled.
import * as aws from "@pulumi/aws";

setTimeout(() => new aws.s3.Bucket("late"), 30);
