"""boto3 and minio against the object store, twilio against its REST API."""

import asyncio
import io

import boto3
import minio
import twilio.base.exceptions
from botocore.client import Config
from botocore.exceptions import ClientError
from suite import case, raises
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

SECRET = "uproar-emulated"


def store(emulators, secret=SECRET):
    return boto3.client(
        "s3", endpoint_url=emulators.http("object_store"), aws_access_key_id="uproar",
        aws_secret_access_key=secret, region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4"))


@case("boto3", "normal: put, get, range, head, list, delete, a key with blanks and signs")
async def objects(emulators):
    def run():
        s3 = store(emulators)
        body = b"RIFF" + bytes(range(256)) * 40
        key = "calls/2026/call 1+a\u00e9.wav"
        put = s3.put_object(Bucket="recordings", Key=key, Body=body, ContentType="audio/wav")
        got = s3.get_object(Bucket="recordings", Key=key)
        assert got["Body"].read() == body and got["ETag"] == put["ETag"]
        assert got["ContentType"] == "audio/wav"
        part = s3.get_object(Bucket="recordings", Key=key, Range="bytes=4-7")
        assert part["Body"].read() == bytes(range(4))
        assert s3.head_object(Bucket="recordings", Key=key)["ContentLength"] == len(body)
        listed = s3.list_objects_v2(Bucket="recordings", Prefix="calls/")
        assert [o["Key"] for o in listed["Contents"]] == [key]
        s3.delete_object(Bucket="recordings", Key=key)
        with raises(ClientError) as caught:
            s3.get_object(Bucket="recordings", Key=key)
        assert caught.error.response["Error"]["Code"] == "NoSuchKey"

    await asyncio.to_thread(run)


@case("boto3", "multipart: an upload above 8 MB")
async def multipart(emulators):
    def run():
        s3 = store(emulators)
        body = bytes(range(256)) * 4096 * 10
        s3.upload_fileobj(io.BytesIO(body), "recordings", "big.wav")
        assert s3.get_object(Bucket="recordings", Key="big.wav")["Body"].read() == body
        assert s3.head_object(Bucket="recordings", Key="big.wav")["ETag"].endswith('-2"')

    await asyncio.to_thread(run)


@case("boto3", "a wrong secret, and a URL signed beforehand")
async def signatures(emulators):
    def run():
        import urllib.request

        with raises(ClientError) as caught:
            store(emulators, "wrong").put_object(Bucket="b", Key="k", Body=b"x")
        assert caught.error.response["Error"]["Code"] == "SignatureDoesNotMatch"
        s3 = store(emulators)
        s3.put_object(Bucket="b", Key="k k", Body=b"x")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k k"})
        assert urllib.request.urlopen(url).read() == b"x"

    await asyncio.to_thread(run)


@case("minio", "normal: put, get, stat, list, remove; parts")
async def minio_objects(emulators):
    def run():
        host = emulators.http("object_store").removeprefix("http://")
        mc = minio.Minio(
            endpoint=host, access_key="uproar", secret_key=SECRET, secure=False,
            region="us-east-1")
        body = bytes(range(256)) * 1000
        mc.put_object("bucket", "a b.bin", io.BytesIO(body), len(body))
        assert mc.get_object("bucket", "a b.bin").read() == body
        assert mc.stat_object("bucket", "a b.bin").size == len(body)
        assert [o.object_name for o in mc.list_objects("bucket")] == ["a b.bin"]
        mc.remove_object("bucket", "a b.bin")
        big = bytes(6 << 20)
        mc.put_object("bucket", "big", io.BytesIO(big), len(big), part_size=5 << 20)
        assert mc.stat_object("bucket", "big").size == len(big)
        with raises(minio.error.S3Error) as caught:
            mc.stat_object("bucket", "none")
        assert caught.error.code == "NoSuchKey"

    await asyncio.to_thread(run)


class Redirected(TwilioHttpClient):
    """The SDK's host cannot be set: its requests are sent to the emulator."""

    def __init__(self, base):
        super().__init__()
        self.base = base

    def request(self, method, url, *arguments, **options):
        url = url.replace("https://api.twilio.com", self.base)
        return super().request(method, url, *arguments, **options)


def phone(emulators, token="conformance"):
    return Client("AC" + "0" * 32, token, http_client=Redirected(emulators.http("sms")))


@case("twilio-sdk", "normal: a message is sent and found; a call is hung up")
async def messages(emulators):
    def run():
        tw = phone(emulators)
        sent = tw.messages.create(to="+15551234567", from_="+15557654321", body="It is done.")
        assert sent.sid.startswith("SM") and sent.status == "queued" and sent.num_segments == "1"
        assert tw.messages(sent.sid).fetch().body == "It is done."
        assert sent.date_created.year >= 2026
        call = tw.calls("CA" + "1" * 32).update(status="completed")
        assert call.status == "completed"

    await asyncio.to_thread(run)


@case("twilio-sdk", "errors carry the vendor's codes: 21211, 20003, 20429, 503")
async def twilio_errors(emulators):
    def run():
        for token, code, status, to in (
            ("x", 21211, 400, "+12"), ("fault-status-401", 20003, 401, "+15551234567"),
            ("fault-status-429", 20429, 429, "+15551234567"),
            ("fault-status-503", 20500, 503, "+15551234567"),
        ):
            with raises(twilio.base.exceptions.TwilioRestException) as caught:
                phone(emulators, token).messages.create(
                    to=to, from_="+15557654321", body="x")
            assert (caught.error.code, caught.error.status) == (code, status), caught.error

    await asyncio.to_thread(run)
