// Two resources of one type and name.
import * as aws from "@pulumi/aws";

new aws.s3.Bucket("twice");
new aws.s3.Bucket("twice");
