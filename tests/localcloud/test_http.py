"""The one port: requests through the gateway to a function and back."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor


def test_a_request_arrives_as_payload_format_two(cloud):
    answer = cloud.call(
        "POST", "/echo/a%20b/c?x=1&x=2", b"\x00\xff", {"Content-Type": "application/octet-stream", "Cookie": "k=v"}
    )
    event = answer.json
    assert answer.status == 200
    assert (event["rawPath"], event["pathParameters"]) == ("/echo/a b/c", {"proxy": "a b/c"})
    assert (event["queryStringParameters"], event["cookies"]) == ({"x": "1,2"}, ["k=v"])
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)


def test_the_function_s_answer_goes_out_as_it_is(cloud):
    told = {
        "statusCode": 418,
        "headers": {"X-Tea": "Grüße", "content-type": "image/gif"},
        "cookies": ["a=1; Path=/", "b=2"],
        "isBase64Encoded": True,
        "body": "AP8=",
    }
    answer = cloud.call("POST", "/answer", told)
    assert (answer.status, answer.body) == (418, b"\x00\xff")
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers.get_all("set-cookie") == ["a=1; Path=/", "b=2"]


def test_a_path_variable_an_exact_path_and_the_method_choose_the_route(cloud):
    assert cloud.call("GET", "/things/7/parts/wheel").json["pathParameters"] == {"thing": "7", "part": "wheel"}
    assert cloud.call("GET", "/echo/exact").json["routeKey"] == "GET /echo/exact"
    assert cloud.call("PUT", "/echo/exact", {}).json["routeKey"] == "ANY /echo/{proxy+}"


def test_no_route_is_a_404_of_the_gateway_and_a_failure_a_500(cloud):
    nowhere, failed = cloud.call("GET", "/nowhere"), cloud.call("GET", "/fail")
    assert (nowhere.status, nowhere.json) == (404, {"message": "Not Found"})
    assert (failed.status, failed.json) == (500, {"message": "Internal Server Error"})


def test_an_answer_that_is_none_is_a_500(cloud):
    assert cloud.call("POST", "/answer", {"statusCode": 200, "body": {"not": "text"}}).status == 500


def test_bodies_go_through_as_far_as_aws_would_carry_them(cloud):
    json_body = {"content-type": "application/json"}
    assert len(cloud.call("POST", "/echo/x", b'"' + b"x" * 4_000_000 + b'"', json_body).json["body"]) == 4_000_002
    assert cloud.call("POST", "/echo/x", b"x" * 7_000_000, json_body).status == 413
    assert cloud.call("POST", "/echo/x", b"x" * 11_000_000, json_body).status == 413


def test_a_chunked_body_arrives_whole_and_the_connection_stays(cloud):
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
    for _ in range(2):
        connection.request(
            "POST", "/echo/x", iter([b'{"a":', b" 1}"]), {"Content-Type": "application/json"}, encode_chunked=True
        )
        assert json.loads(connection.getresponse().read())["body"] == '{"a": 1}'
    connection.close()


def test_head_has_no_body_and_a_broken_length_is_refused(cloud):
    assert cloud.call("HEAD", "/echo/x").body == b""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
    connection.putrequest("POST", "/echo/x")
    connection.putheader("Content-Length", "many")
    connection.endheaders()
    assert connection.getresponse().status == 400


def test_fifty_connections_at_once_are_all_answered(cloud):
    began = time.monotonic()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: cloud.call("POST", f"/echo/{number}", {"n": number}), range(300)))
    assert [answer.json["pathParameters"]["proxy"] for answer in answers] == [str(number) for number in range(300)]
    assert time.monotonic() - began < 30


def test_the_function_finds_the_settings_that_only_the_local_cloud_gives(cloud):
    assert abs(cloud.call("GET", "/state").json["now"] - time.time()) < 400 * 86_400


def test_another_site_cannot_work_the_local_cloud(cloud):
    foreign = {"Origin": "https://evil.example"}
    assert cloud.call("POST", "/_local/clock", {"advance": "P1D"}, foreign).status == 403
    assert cloud.call("POST", "/_local/reset", {}, foreign).status == 403
    assert (
        cloud.call("POST", "/_local/clock", {"advance": "PT0S"}, {"Origin": f"http://127.0.0.1:{cloud.port}"}).status
        == 200
    )
