"""A double of Azure on localhost: ARM Compute, the little of Network around it, and page blobs.

No Azure subscription is behind this. What runs against it uses the interface as Microsoft's own SDK does;
it does not prove how Azure behaves. Each rule of behaviour carries the link of what it was read in, or the
word ASSUMPTION.

In a test, in process:

    with Double() as double:                                     # Double(folder, pace=1000.0, ...)
        vm = double.add_vm("web1", disk=Path("x.vhd"))           # resource group "lab", region "westeurope"
        vm.boots_when(equal_ranges(healthy, [(offset, length)]))     # or a function of the disk's file; oracles.py
        client = ComputeManagementClient(                            # FakeCredential: signin.py
            FakeCredential(), double.subscription, base_url=double.url, authentication_policy=SansIOHTTPPolicy()
        )
        client.virtual_machines.begin_deallocate("lab", "web1", polling_interval=0).result()
        double.calls                                             # every call: method, path, ARM action, status
        double.faults.add(Fault(action="Microsoft.Compute/disks/write", nth=1, do="drop after"))

As a process of its own, whose state lies in a folder and outlives it:

    python -m bootmend.clouds.azure.simulate --state DIR [--port N] [--pace 100] [--limits]
        [--vm NAME=DISK [--healthy NAME=TWIN]]...

prints one line of JSON: {"url", "subscription", "pid", "environment"}; with that environment DefaultAzureCredential
signs in here. It is steered over HTTP below `/simulate/` (control.py): calls, faults, machines, oracles.

    server      HTTP in and out
    front       the way of a call; below /subscriptions is ARM, below /simulate steering, the rest are blobs
    router      which function answers which method and path, and the ARM action that it takes
    signin, permissions, throttle, faults: what may say no before a call is looked at
    world       all resources, by id; operations that are under way; saved to the folder
    contents    the bytes of disks: sparse files, shared until one of their disks is written

`pace` is how much faster than real time Azure's own work goes (deallocating, booting, copying) and the minutes
of throttling pass; lifetimes of tokens and SAS stay in real seconds, and `double.clock.skip(seconds)` ages all.
"""
