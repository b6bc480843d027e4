/// The page's style sheet and its few lines of script. Everything works without the script: it only makes tooltips quick and
/// opens folded tables for the printer.
enum HTMLStyle {
    static let sheet = """
        :root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#171b21;--soft:#5b6672;--line:#e2e6ea;
        --grid:#eceff2;--good:#0d7440;--goodbg:#e5f5ec;--bad:#c4302b;--badbg:#fdeceb;--doubt:#9a6200;--doubtbg:#fdf3df;
        --p50:#0f9488;--p95:#2563eb;--p99:#a13fd1;--agent:#2563eb;--provider:#dd8a14;--network:#8a95a1;--caller:#0f9488;
        --fault:rgba(196,48,43,.11);--recovery:rgba(221,138,20,.11);--shadow:0 1px 2px rgba(20,30,40,.06),0 1px 8px rgba(20,30,40,.04)}
        @media (prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#171b21;--ink:#e7eaee;--soft:#98a3af;--line:#2a313a;
        --grid:#222932;--good:#4cc38a;--goodbg:#12291d;--bad:#ff6d66;--badbg:#331715;--doubt:#e9b04c;--doubtbg:#2f2410;
        --p50:#34c6b8;--p95:#6d9dff;--p99:#cd86f0;--agent:#6d9dff;--provider:#f0ac4b;--network:#7d8894;--caller:#34c6b8;
        --fault:rgba(255,109,102,.15);--recovery:rgba(240,172,75,.13);--shadow:none}}
        *{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1080px;margin:0 auto;padding:20px 24px 64px}
        a{color:var(--p95);text-decoration:none}a:hover,a:focus{text-decoration:underline}
        .skip{position:absolute;left:-9999px}.skip:focus{left:12px;top:12px;background:var(--card);padding:8px 12px;z-index:9}
        h1{font-size:26px;line-height:1.2;margin:2px 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
        h2{font-size:17px;margin:0 0 4px;letter-spacing:-.005em}h3{font-size:14px;margin:18px 0 6px}
        p{margin:4px 0 10px}.soft,.note{color:var(--soft)}.note{font-size:13px}
        code,.mono{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
        .brand{font-weight:700;letter-spacing:.14em;font-size:12px;color:var(--soft)}
        nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:14px 0 18px;font-size:13px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin:0 0 16px;box-shadow:var(--shadow)}
        .hero{border-top:5px solid var(--soft)}.hero.good{border-top-color:var(--good)}.hero.bad{border-top-color:var(--bad)}.hero.doubt{border-top-color:var(--doubt)}
        .headline{display:flex;flex-wrap:wrap;gap:10px 18px;align-items:flex-start;justify-content:space-between}
        .verdict{font-size:20px;font-weight:750;padding:8px 16px;border-radius:10px;white-space:nowrap}
        .verdict small{font-weight:500;font-size:13px;display:block;text-align:center;opacity:.85}
        .good-box{background:var(--goodbg);color:var(--good)}.bad-box{background:var(--badbg);color:var(--bad)}.doubt-box{background:var(--doubtbg);color:var(--doubt)}
        .banner{border-radius:10px;padding:10px 14px;margin:12px 0 0;font-weight:600}.banner ul{margin:4px 0 0;padding-left:20px;font-weight:400}
        .answers{display:grid;grid-template-columns:max-content 1fr;gap:6px 18px;margin:16px 0 4px}
        .answers dt{color:var(--soft);font-size:13px;padding-top:1px}.answers dd{margin:0;overflow-wrap:anywhere}.answers ul{margin:0;padding-left:18px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;margin:16px 0 0}
        .tile{border:1px solid var(--line);border-radius:10px;padding:10px 12px}.tile b{display:block;font-size:21px;line-height:1.25;font-variant-numeric:tabular-nums}
        .tile span{color:var(--soft);font-size:12.5px}.tile.bad b{color:var(--bad)}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
        th{font-weight:600;text-align:left;color:var(--soft);font-size:12.5px}th,td{padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.n,th.n{text-align:right}tr:last-child td{border-bottom:0}.scroll{overflow-x:auto}
        .mark{font-weight:700;white-space:nowrap}.mark.good,.ok{color:var(--good)}.mark.bad,.no{color:var(--bad)}.mark.doubt,.hm{color:var(--doubt)}
        .track{display:block;width:130px;max-width:100%;padding-top:7px}.share{display:block;height:5px;border-radius:3px;background:var(--p95);min-width:2px}.share.no{background:var(--bad)}
        .legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--soft);margin:2px 0 6px}
        .legend i{display:inline-block;width:18px;height:0;border-top:3px solid;margin-right:6px;vertical-align:middle}.legend i.box{height:10px;border:0;border-radius:2px;width:12px}
        figure{margin:10px 0 16px}figcaption{font-size:13px;color:var(--soft)}
        svg{display:block;width:100%;height:auto;overflow:visible}svg.narrow{display:none}
        svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--soft)}svg text.ink{fill:var(--ink);font-size:13px}
        svg text.faint{font-size:11px}svg text.limit-text{fill:var(--bad);font-size:11.5px}svg text.fault-text{fill:var(--bad);font-weight:600}
        .grid{stroke:var(--grid)}.axis{stroke:var(--soft);stroke-opacity:.5}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .line.p50{stroke:var(--p50)}.line.p95{stroke:var(--p95);stroke-width:2.6}.line.p99{stroke:var(--p99);stroke-width:1.6;stroke-dasharray:5 3}
        .line.actual{stroke:var(--p99);stroke-dasharray:3 4}.line.plan{stroke:var(--soft);stroke-dasharray:4 4;stroke-width:1.5}.line.answer{stroke:var(--p50);stroke-dasharray:7 4}
        .dot.p50,.bar.p50{fill:var(--p50)}.dot.p95,.bar.p95{fill:var(--p95)}.dot.p99,.dot.actual{fill:var(--p99)}.dot.plan{fill:var(--soft)}.dot.bad-dot{fill:var(--bad)}.dot.answer{fill:var(--p50)}
        .limit{stroke:var(--bad);stroke-dasharray:2 4;stroke-width:1.4}.fault{fill:var(--fault)}.recovery{fill:var(--recovery)}.fault-edge{stroke:var(--bad);stroke-opacity:.6}
        .heat{fill:var(--p95)}.h1{fill-opacity:.14}.h2{fill-opacity:.24}.h3{fill-opacity:.34}.h4{fill-opacity:.45}.h5{fill-opacity:.56}.h6{fill-opacity:.67}.h7{fill-opacity:.78}.h8{fill-opacity:.89}
        .bar.recovery-lane{fill:var(--doubt)}.bar.provider.s1{fill-opacity:.2}.bar.provider.s2{fill-opacity:.4}.bar.provider.s3{fill-opacity:.6}.bar.provider.s4{fill-opacity:.8}
        audio{width:100%;max-width:480px;height:36px}svg:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--p95);outline-offset:3px;border-radius:4px}.cursor{fill:var(--soft);fill-opacity:.2}
        .stage-edge{stroke:var(--line);stroke-dasharray:2 3}.hit{fill:transparent}.hit:hover{fill:var(--soft);fill-opacity:.12}
        .bar.agent,.area.agent{fill:var(--agent)}.bar.provider,.area.emulators{fill:var(--provider)}.bar.network,.area.other{fill:var(--network)}
        .area.callers{fill:var(--caller)}.area.redis{fill:var(--p99)}.area{fill-opacity:.8}.bar.bad{fill:var(--bad)}.bar.doubt{fill:var(--provider)}
        .whisker{stroke-width:2;stroke-opacity:.45}.whisker.agent{stroke:var(--agent)}.whisker.provider{stroke:var(--provider)}.whisker.network{stroke:var(--network)}
        .bar.speech-caller{fill:var(--caller)}.bar.speech-agent{fill:var(--agent);fill-opacity:.85}.bar.lost{fill:var(--bad);fill-opacity:.55}.barge-in{stroke:var(--bad);stroke-width:1.5}
        .pair{display:grid;grid-template-columns:1fr 1fr;gap:0 26px}.call{border-top:1px solid var(--line);padding:12px 0 4px}.call:first-of-type{border-top:0}
        .call h3{margin:0 0 4px;display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline}.chip{font-size:12px;font-weight:600;border-radius:20px;padding:1px 9px;background:var(--grid);color:var(--soft)}
        .chip.bad{background:var(--badbg);color:var(--bad)}.chip.good{background:var(--goodbg);color:var(--good)}
        details{margin:4px 0 8px}summary{cursor:pointer;color:var(--soft);font-size:13px}
        pre{background:var(--grid);border-radius:8px;padding:12px;overflow-x:auto;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        #tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--bg);border-radius:7px;padding:6px 10px;font-size:12.5px;line-height:1.4;white-space:pre;z-index:8;max-width:90vw}
        footer{color:var(--soft);font-size:13px;margin-top:20px}
        @media (max-width:900px){svg text,svg text.ink{font-size:15px}svg text.faint,svg text.limit-text{font-size:13.5px}svg.narrow text,svg.narrow text.ink{font-size:13px}}
        @media (max-width:640px){main{padding:12px 12px 40px}svg.wide{display:none}svg.narrow{display:block}.card{padding:14px;border-radius:10px}
        .pair{grid-template-columns:1fr}.answers{grid-template-columns:1fr;gap:0}.answers dd{margin-bottom:8px}h1{font-size:22px}.tiles{grid-template-columns:1fr 1fr}
        table.stack thead{position:absolute;left:-9999px}table.stack tr{display:block;border-bottom:1px solid var(--line);padding:6px 0}table.stack td{display:flex;justify-content:space-between;gap:14px;border:0;padding:2px 0;text-align:right}
        table.stack td:empty{display:none}table.stack.flow td{display:inline-flex;gap:5px;margin-right:12px}table.stack.flow td.wide-cell{display:block}.verdict{order:-1}
        table.stack td::before{content:attr(data-name);color:var(--soft);font-size:12.5px;text-align:left;flex:none}table.stack td.wide-cell{display:block;text-align:left}table.stack td.wide-cell::before{content:none}}
        @media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--grid:#eee;--shadow:none}body{font-size:11pt}main{max-width:none;padding:0}
        nav,.skip,#tip{display:none}.card{break-inside:avoid;border-color:#bbb}.card.long{break-inside:auto}.call{break-inside:avoid}
        .scroll,pre{overflow:visible}pre{white-space:pre-wrap}.call .scroll :is(td,th){padding:2px 3px;font-size:6.5pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
        """

    static let script = """
        (function(){var tip=document.createElement('div');tip.id='tip';tip.hidden=true;document.body.appendChild(tip);
        function show(e){var r=e.target.closest?e.target.closest('[data-tip]'):null;if(!r){tip.hidden=true;return}
        tip.textContent=r.getAttribute('data-tip');tip.hidden=false;var w=tip.offsetWidth,h=tip.offsetHeight,x=e.clientX+14,y=e.clientY+14;
        if(x+w>innerWidth-8)x=Math.max(8,e.clientX-w-14);if(y+h>innerHeight-8)y=Math.max(8,e.clientY-h-14);tip.style.left=x+'px';tip.style.top=y+'px'}
        function enhance(){document.querySelectorAll('svg rect>title').forEach(function(t){t.parentNode.setAttribute('data-tip',t.textContent);t.remove()});
        document.querySelectorAll('svg').forEach(function(s){if(s.tabIndex===0)return;var at=-1,parts=s.querySelectorAll('[data-tip]');if(!parts.length)return;s.tabIndex=0;
        var live=document.createElement('p');live.setAttribute('role','status');live.className='skip';s.after(live);
        function go(i){if(at>=0)parts[at].classList.remove('cursor');at=Math.max(0,Math.min(parts.length-1,i));var p=parts[at],b=p.getBoundingClientRect();p.classList.add('cursor');
        live.textContent=p.getAttribute('data-tip').replace(/\\n/g,', ');tip.textContent=p.getAttribute('data-tip');tip.hidden=false;
        tip.style.left=Math.max(8,Math.min(b.left+8,innerWidth-tip.offsetWidth-8))+'px';tip.style.top=Math.max(8,Math.min(b.top+8,innerHeight-tip.offsetHeight-8))+'px'}
        s.addEventListener('keydown',function(e){var step={ArrowRight:1,ArrowLeft:-1,PageDown:10,PageUp:-10,Home:-1e9,End:1e9}[e.key];if(e.key==='Escape')s.blur();if(!step)return;e.preventDefault();go(at+step)});
        s.addEventListener('blur',function(){if(at>=0)parts[at].classList.remove('cursor');at=-1;tip.hidden=true})})}
        enhance();window.uproarEnhance=enhance;
        addEventListener('pointermove',show);addEventListener('pointerdown',show);addEventListener('scroll',function(){tip.hidden=true},true);
        addEventListener('beforeprint',function(){document.querySelectorAll('details.print').forEach(function(d){d.open=true})})})();
        """

    /// Follows a run that goes on: every fifth second the page is fetched again from where it came, and its figures replaced.
    static let liveScript = """

        (function(){if(location.protocol==='file:')return;var events=new EventSource('/events'),count=0,busy=false;events.onmessage=function(){count++;if(count%5!==2||busy)return;busy=true;
        fetch('/').then(function(r){return r.text()}).then(function(t){var page=new DOMParser().parseFromString(t,'text/html'),y=scrollY,
        open=Array.prototype.map.call(document.querySelectorAll('details'),function(d){return d.open});
        document.querySelector('main').replaceWith(page.querySelector('main'));document.querySelectorAll('details').forEach(function(d,i){d.open=!!open[i]});
        uproarEnhance();scrollTo(0,y);busy=false}).catch(function(){busy=false})};
        events.onerror=function(){var v=document.querySelector('.verdict');if(v&&events.readyState===2)v.textContent='ended: see the folder of the run'}})();
        """
}
