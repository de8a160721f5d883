// Two resources of one type and name.
import { Bucket } from "@pulumi/aws/s3";

new Bucket("twice");
new Bucket("twice");
