"""The project's own control plane on a folder of a test's: what stands there is served over ADS."""

import json
import os
import subprocess
import tempfile


class ControlPlane:
    """Use as a context, or call `close`."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="world-")
        self.process = subprocess.Popen([binary, self.folder.name, "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"{binary}: {line}")
        self.port = int(line.rpartition(":")[2])
        # Nobody reads on; a full pipe must not stop it.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.reader.wait()
        self.folder.cleanup()

    def serve(self, name, *resources):
        """Replaces the file of that name, whole, by these resources."""
        path = os.path.join(self.folder.name, name + ".json")
        with open(path + ".new", "w", encoding="utf-8") as out:
            json.dump({"resources": resources}, out)
        os.rename(path + ".new", path)

    def api(self, api_type):
        """An ApiConfigSource that stands for it."""
        return {"api_type": api_type, "transport_api_version": "V3", "grpc_services": [{"google_grpc": {
            "target_uri": f"127.0.0.1:{self.port}", "stat_prefix": "control_plane"}}]}

    def bootstrap_fields(self, api_type="GRPC"):
        """What makes a bootstrap ask here."""
        return {"node": {"id": "test", "cluster": "test"}, "dynamic_resources": {"ads_config": self.api(api_type)}}


ADS = {"resource_api_version": "V3", "ads": {}}
